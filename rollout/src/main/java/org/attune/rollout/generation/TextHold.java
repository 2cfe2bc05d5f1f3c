package org.attune.rollout.generation;

import java.util.List;

/// Holds back what may be the beginning of a stop string, so that nobody gets a part of one: it
/// comes whole with the last piece, or turns out to be other text.
public final class TextHold {
    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();

    /// @param stops texts that end the text
    public TextHold(List<String> stops) {
        this.stops = List.copyOf(stops);
    }

    /// Returns what is sure now; often empty.
    ///
    /// @param piece more of the text
    public String push(String piece) {
        held.append(piece);
        return take(held.length() - begun());
    }

    /// Returns what is left at the end of the text.
    public String rest() {
        return take(held.length());
    }

    private String take(int length) {
        String sure = held.substring(0, length);
        held.delete(0, length);
        return sure;
    }

    /// Characters at the end with which a stop string begins.
    private int begun() {
        int most = stops.stream().mapToInt(String::length).max().orElse(0);
        for (int length = Math.min(most, held.length()); length > 0; length--) {
            String end = held.substring(held.length() - length);
            if (stops.stream().anyMatch(stop -> stop.startsWith(end))) {
                return length;
            }
        }
        return 0;
    }
}
