package org.attune.models.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/// The result of an evaluation.
///
/// @param rows one per problem
public record EvalResult(List<EvalRow> rows) {
    public EvalResult {
        rows = List.copyOf(rows);
    }

    /// Problems with at least one reward.
    public int n() {
        return values().length;
    }

    /// Whether all rewards are 0 or 1, so that their mean is an accuracy.
    public boolean isAccuracy() {
        return rows.stream().allMatch(EvalRow::isBinary);
    }

    /// Completions of each problem.
    public int samples() {
        return rows.isEmpty() ? 0 : rows.getFirst().completions().size();
    }

    /// Mean over problems of each problem's mean reward; NaN if nothing has a reward.
    public double mean() {
        return n() == 0 ? Double.NaN : Interval.mean(values());
    }

    /// The confidence interval of the mean: Wilson's for an accuracy with one completion per
    /// problem. Else the normal one over the problems' means, since completions of one problem are
    /// alike. Empty if nothing has a reward.
    public Optional<Interval> interval() {
        if (n() == 0) {
            return Optional.empty();
        }
        return Optional.of(
                isAccuracy() && samples() == 1
                        ? Interval.wilson(right(), n())
                        : Interval.normal(values()));
    }

    /// Right completions.
    public long right() {
        return rows.stream().mapToLong(EvalRow::right).sum();
    }

    /// Probability that at least one of `k` completions is right, estimated without bias from the
    /// `G` there are ([Chen et al. 2021, Eq. 1](https://arxiv.org/abs/2107.03374)):
    /// ```
    /// mean over problems of 1 - C(G - right, k) / C(G, k)
    /// ```
    ///
    /// @param k from 1 to [#samples]
    public double passAt(int k) {
        if (k < 1 || k > samples()) {
            throw new IllegalArgumentException(
                    "pass@%d of %d completions; accepted: 1 to their number"
                            .formatted(k, samples()));
        }
        return rows.stream().mapToDouble(row -> passAt(row, k)).average().orElse(Double.NaN);
    }

    private static double passAt(EvalRow row, int k) {
        long wrong = row.completions().size() - row.right();
        double allWrong = 1;
        for (int i = 0; i < k; i++) {
            allWrong *= (double) Math.max(0, wrong - i) / (row.completions().size() - i);
        }
        return 1 - allWrong;
    }

    /// Mean of `other` minus mean of this over the problems that have a reward in both.
    ///
    /// @param other of the same problems in the same order
    public Difference to(EvalResult other) {
        if (other.rows().size() != rows.size()) {
            throw new IllegalArgumentException(
                    "results of %d and %d problems can't be compared"
                            .formatted(rows.size(), other.rows().size()));
        }
        var differences = new ArrayList<Double>();
        int onlyFirst = 0;
        int onlySecond = 0;
        for (int i = 0; i < rows.size(); i++) {
            OptionalDouble first = rows.get(i).mean();
            OptionalDouble second = other.rows().get(i).mean();
            if (first.isPresent() && second.isPresent()) {
                double difference = second.getAsDouble() - first.getAsDouble();
                differences.add(difference);
                onlyFirst += difference < 0 ? 1 : 0;
                onlySecond += difference > 0 ? 1 : 0;
            }
        }
        if (differences.isEmpty()) {
            return new Difference(0, Double.NaN, new Interval(Double.NaN, Double.NaN));
        }
        double[] values = differences.stream().mapToDouble(d -> d).toArray();
        boolean outcomes =
                isAccuracy() && other.isAccuracy() && samples() == 1 && other.samples() == 1;
        return new Difference(
                values.length,
                Interval.mean(values),
                outcomes
                        ? Interval.paired(onlyFirst, onlySecond, values.length)
                        : Interval.normal(values));
    }

    /// A paired difference.
    ///
    /// @param n problems with a reward in both
    /// @param mean NaN if there are none
    /// @param interval Bonett and Price's for accuracies with one completion per problem, else the
    ///     normal one
    public record Difference(int n, double mean, Interval interval) {}

    private double[] values() {
        return rows.stream().map(EvalRow::mean).flatMapToDouble(OptionalDouble::stream).toArray();
    }
}
