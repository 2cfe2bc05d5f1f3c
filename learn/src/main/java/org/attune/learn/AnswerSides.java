package org.attune.learn;

import org.attune.feedback.GivenAnswer.Origin;
import org.attune.feedback.JudgedAnswer;
import org.attune.feedback.Judgement;
import org.attune.feedback.Judgement.Corrected;
import org.attune.feedback.Judgement.Score;
import org.attune.feedback.Judgement.Thumb;
import org.attune.models.eval.Interval;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/// How users judged what answered them, side by side.
public final class AnswerSides {
    /// Users of a side below which nothing is told.
    private static final int FEWEST = 10;

    private AnswerSides() {}

    /// Lines for people: each side with its share of good judgements, and how far each is from the
    /// first. Users count once, whatever number of answers they judge.
    ///
    /// @param counts of answers by the name asked for and what answered
    public static List<String> lines(
            Map<String, Map<String, Long>> counts, List<JudgedAnswer> judged) {
        Map<List<Object>, JudgedAnswer> once = new LinkedHashMap<>();
        for (JudgedAnswer one : judged) { // who corrects may say that it was bad, too
            Judgement judgement = one.judgement();
            if (value(one).isPresent()) {
                once.merge(
                        List.of(judgement.id(), judgement.choice(), judgement.user()),
                        one,
                        (first, second) ->
                                first.judgement().opinion() instanceof Corrected ? second : first);
            }
        }
        Map<Side, Map<String, List<Double>>> byUser = new LinkedHashMap<>();
        once.values()
                .forEach(
                        one ->
                                byUser.computeIfAbsent(
                                                Side.of(one.answer().origin()),
                                                _ -> new LinkedHashMap<>())
                                        .computeIfAbsent(
                                                one.judgement().user(), _ -> new ArrayList<>())
                                        .add(value(one).getAsDouble()));
        List<String> lines = new ArrayList<>();
        counts.forEach(
                (model, sides) -> {
                    List<Double> first = null;
                    for (Map.Entry<String, Long> side : sides.entrySet()) {
                        Map<String, List<Double>> users =
                                byUser.getOrDefault(new Side(model, side.getKey()), Map.of());
                        lines.add(line(model, side.getKey(), side.getValue(), users));
                        List<Double> means = means(users);
                        if (first != null) {
                            lines.add("  " + difference(first, means));
                        }
                        first = first == null ? means : first;
                    }
                });
        return lines;
    }

    private record Side(String model, String answeredBy) {
        static Side of(Origin origin) {
            return new Side(origin.model(), origin.answeredBy());
        }
    }

    /// 1 is good, 0 is bad; an answer that was corrected was bad.
    private static OptionalDouble value(JudgedAnswer one) {
        return switch (one.judgement().opinion()) {
            case Thumb(boolean isUp) -> OptionalDouble.of(isUp ? 1 : 0);
            case Score(double value) -> OptionalDouble.of(value);
            case Corrected _ -> OptionalDouble.of(0);
            default -> OptionalDouble.empty();
        };
    }

    private static List<Double> means(Map<String, List<Double>> users) {
        return users.values().stream()
                .map(v -> v.stream().mapToDouble(Double::doubleValue).average().orElseThrow())
                .toList();
    }

    private static String line(
            String model, String side, long answers, Map<String, List<Double>> users) {
        List<Double> all = users.values().stream().flatMap(List::stream).toList();
        String judged = "none judged";
        if (!all.isEmpty()) {
            long good = all.stream().filter(v -> v > 0.5).count();
            Interval share = Interval.wilson(good, all.size());
            judged =
                    String.format(
                            Locale.ROOT,
                            "%d judgements of %d users, %d good: %.2f (95 %% interval %.2f to"
                                    + " %.2f)",
                            all.size(),
                            users.size(),
                            good,
                            (double) good / all.size(),
                            share.low(),
                            share.high());
        }
        return "%s answered by %s: %d answers, %s".formatted(model, side, answers, judged);
    }

    private static String difference(List<Double> first, List<Double> other) {
        if (Math.min(first.size(), other.size()) < FEWEST) {
            return "fewer than %d users of a side: too few to tell them apart".formatted(FEWEST);
        }
        Difference difference = Difference.between(other, first);
        return "%s than the first, user by user: %s"
                .formatted(
                        difference.isAbove()
                                ? "better"
                                : difference.isBelow() ? "worse" : "no better and no worse",
                        difference.text());
    }
}
