package org.attune.cli.eval;

import org.attune.datasets.formats.Sample;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// Summarises scores: their mean and spread, and how often they agree with what the rows say.
///
/// @param values all scores; of pairs, those of the chosen and then of the rejected sides
/// @param margins chosen minus rejected, of pairs
/// @param judged whether a step's probability is on the side of its label, or a labelled answer's
record ScoreSummary(double[] values, double[] margins, boolean[] judged) {
    static ScoreSummary of(List<ScoreFile.Line> lines, List<double[]> scores) {
        List<Double> margins = new ArrayList<>();
        List<Boolean> judged = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            double[] own = scores.get(i);
            switch (lines.get(i).sample()) {
                case Sample.Preference _ -> margins.add(own[0] - own[1]);
                case Sample.Stepwise row -> {
                    for (int s = 0; s < own.length; s++) {
                        judged.add(own[s] > 0.5 == row.labels().get(s));
                    }
                }
                default -> {}
            }
        }
        boolean[] agreed = new boolean[judged.size()];
        for (int i = 0; i < agreed.length; i++) {
            agreed[i] = judged.get(i);
        }
        return new ScoreSummary(
                scores.stream().flatMapToDouble(Arrays::stream).toArray(),
                margins.stream().mapToDouble(Double::doubleValue).toArray(),
                agreed);
    }

    /// Share of pairs whose chosen side has the higher score; ties count one half.
    double accuracy() {
        return Arrays.stream(margins).map(m -> m > 0 ? 1 : m == 0 ? 0.5 : 0).average().orElse(0);
    }

    private double stepAccuracy() {
        int right = 0;
        for (boolean agrees : judged) {
            right += agrees ? 1 : 0;
        }
        return (double) right / judged.length;
    }

    String text() {
        double mean = Arrays.stream(values).average().orElse(0);
        double variance =
                Arrays.stream(values).map(v -> (v - mean) * (v - mean)).average().orElse(0);
        String text =
                String.format(
                        Locale.ROOT,
                        "%,d scores: mean %.4f, standard deviation %.4f, %.4f to %.4f",
                        values.length,
                        mean,
                        Math.sqrt(variance),
                        Arrays.stream(values).min().orElse(0),
                        Arrays.stream(values).max().orElse(0));
        if (margins.length > 0) {
            text +=
                    String.format(
                            Locale.ROOT,
                            "%naccuracy on %,d pairs: %.4f, mean margin %.4f",
                            margins.length,
                            accuracy(),
                            Arrays.stream(margins).average().orElse(0));
        }
        if (judged.length > 0) {
            text +=
                    String.format(
                            Locale.ROOT,
                            "%naccuracy on %,d steps: %.4f",
                            judged.length,
                            stepAccuracy());
        }
        return text;
    }
}
