package org.attune.serve;

import java.util.List;
import java.util.Optional;

/// Looks for texts that end an answer, and holds back what may be the beginning of one: nobody gets
/// a part of it. Of several in one piece the one counts that begins first.
final class StopText {
    private final List<String> stops;
    private final boolean keeps;
    private final StringBuilder held = new StringBuilder();
    private Optional<String> ending = Optional.empty();

    /// @param keeps whether the text that ends the answer is part of it
    StopText(List<String> stops, boolean keeps) {
        this.stops = stops;
        this.keeps = keeps;
    }

    /// The one that was found, after which nothing is given out any more.
    Optional<String> found() {
        return ending;
    }

    /// Returns what is sure now; often empty.
    ///
    /// @param piece more of the text
    /// @param mayStop whether an end counts that is complete now
    String push(String piece, boolean mayStop) {
        if (ending.isPresent()) {
            return "";
        }
        held.append(piece);
        if (mayStop) {
            int first = -1;
            String found = "";
            for (String stop : stops) {
                int at = held.indexOf(stop);
                if (at >= 0 && (first < 0 || at < first)) {
                    first = at;
                    found = stop;
                }
            }
            if (first >= 0) {
                ending = Optional.of(found);
                return held.substring(0, first + (keeps ? found.length() : 0));
            }
        }
        return take(held.length() - begun());
    }

    /// Returns what is left at the end of the text.
    String rest() {
        return ending.isPresent() ? "" : take(held.length());
    }

    private String take(int length) {
        String sure = held.substring(0, length);
        held.delete(0, length);
        return sure;
    }

    /// Characters at the end with which one of the texts begins.
    private int begun() {
        int most = stops.stream().mapToInt(String::length).max().orElse(0) - 1;
        for (int length = Math.min(most, held.length()); length > 0; length--) {
            String end = held.substring(held.length() - length);
            if (stops.stream().anyMatch(stop -> stop.startsWith(end))) {
                return length;
            }
        }
        return 0;
    }
}
