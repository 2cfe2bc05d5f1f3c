package org.attune.learn;

import org.attune.error.DatasetException;
import org.attune.models.ModelConfig;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A candidate beside what answers now, by answers that neither was trained on. Numbers are natural
/// logarithms of probabilities, per token; each question counts once.
///
/// @param preference how much further the candidate parts liked answers from disliked ones
/// @param liked how much likelier it finds liked answers: one that finds all answers unlikely parts
///     nothing and is no better
/// @param guard the comparison of rows that mustn't get worse
public record Comparison(
        Difference preference, Optional<Difference> liked, Optional<Comparison> guard) {
    /// Questions below which nothing is told.
    private static final int FEWEST = 10;

    private static final int FEWEST_OF_A_KIND = 5;

    /// Measures both.
    ///
    /// @param base the model alone
    /// @param current folder or hub name of the adapter that answers now; empty: none
    /// @param candidate folder of the other
    /// @param rows whose held-out part and guard are compared
    /// @throws DatasetException if there is too little to tell
    public static Comparison of(
            ModelConfig base, String current, String candidate, LearnedRows rows) {
        try (var likelihoods = new Likelihoods(base, current, candidate)) {
            Optional<Comparison> guard =
                    rows.guard().isEmpty()
                            ? Optional.empty()
                            : Optional.of(of(likelihoods, rows.guard(), Optional.empty()));
            return of(likelihoods, rows.heldOut(), guard);
        }
    }

    private static Comparison of(
            Likelihoods likelihoods, List<LearnedItem> items, Optional<Comparison> guard) {
        Map<String, List<Double>> pairs = new LinkedHashMap<>();
        Map<String, List<Double>> good = new LinkedHashMap<>();
        Map<String, List<Double>> bad = new LinkedHashMap<>();
        for (LearnedItem item : items) {
            Optional<Double> up = item.good().flatMap(a -> likelihoods.gain(item, a));
            Optional<Double> down = item.bad().flatMap(a -> likelihoods.gain(item, a));
            up.ifPresent(gain -> add(good, item, gain));
            down.ifPresent(gain -> add(bad, item, gain));
            if (up.isPresent() && down.isPresent()) {
                add(pairs, item, up.get() - down.get());
            }
        }
        return of(means(pairs), means(good), means(bad), guard);
    }

    /// @param pairs by question: how much further good and bad are apart
    /// @param good by question: how much likelier good answers are
    /// @param bad by question: how much likelier bad answers are
    static Comparison of(
            List<Double> pairs, List<Double> good, List<Double> bad, Optional<Comparison> guard) {
        Optional<Difference> liked =
                good.size() < FEWEST_OF_A_KIND
                        ? Optional.empty()
                        : Optional.of(Difference.of(good));
        if (pairs.size() >= FEWEST) {
            return new Comparison(Difference.of(pairs), liked, guard);
        }
        if (bad.isEmpty() && good.size() >= FEWEST) {
            return new Comparison(Difference.of(good), liked, guard);
        }
        if (Math.min(good.size(), bad.size()) >= FEWEST_OF_A_KIND
                && good.size() + bad.size() >= FEWEST) {
            return new Comparison(Difference.between(good, bad), liked, guard);
        }
        throw new DatasetException(
                "%d liked and %d disliked answers to different questions are too few to compare by; %d liked ones are needed, or %d of each"
                        .formatted(good.size(), bad.size(), FEWEST, FEWEST_OF_A_KIND));
    }

    private static void add(Map<String, List<Double>> gains, LearnedItem item, double gain) {
        gains.computeIfAbsent(item.topic(), _ -> new ArrayList<>()).add(gain);
    }

    private static List<Double> means(Map<String, List<Double>> gains) {
        return gains.values().stream()
                .map(
                        values ->
                                values.stream()
                                        .mapToDouble(Double::doubleValue)
                                        .average()
                                        .orElseThrow())
                .toList();
    }

    /// Whether the candidate is better by more than chance gives, and nowhere worse.
    public boolean isBetter() {
        return preference.isAbove()
                && liked.filter(Difference::isBelow).isEmpty()
                && guard.filter(Comparison::isWorse).isEmpty();
    }

    private boolean isWorse() {
        return preference.isBelow() || liked.filter(Difference::isBelow).isPresent();
    }

    /// One line for a terminal: `better: …` or `no better: …`.
    public String line() {
        var line = new StringBuilder(isBetter() ? "better: " : "no better: ");
        line.append("liked answers gain on disliked ones ").append(preference.text());
        liked.ifPresent(d -> line.append("; liked answers themselves ").append(d.text()));
        if (liked.filter(Difference::isBelow).isPresent()) {
            line.append(", so they became unlikely");
        }
        guard.ifPresent(
                g -> {
                    line.append("; rows that must not get worse ").append(g.preference.text());
                    g.liked.ifPresent(d -> line.append(" and ").append(d.text()));
                    line.append(g.isWorse() ? ": worse" : ": not worse");
                });
        return line.toString();
    }
}
