package org.attune.learn;

import org.attune.models.eval.Interval;

import java.util.Collection;
import java.util.Locale;

/// A mean difference with its 95 % interval.
///
/// @param n questions or users, each of which counts once
record Difference(double mean, Interval interval, int n) {
    /// Of values of which each counts once.
    ///
    /// @param values at least two
    static Difference of(Collection<Double> values) {
        double[] all = values.stream().mapToDouble(Double::doubleValue).toArray();
        return new Difference(mean(all), Interval.normal(all), all.length);
    }

    /// Of the means of two groups that have nothing to do with each other: Welch's interval.
    ///
    /// @param first at least two values
    /// @param second at least two values
    static Difference between(Collection<Double> first, Collection<Double> second) {
        Difference one = of(first);
        Difference other = of(second);
        double mean = one.mean - other.mean;
        double half = Math.hypot(one.mean - one.interval.low(), other.mean - other.interval.low());
        return new Difference(mean, new Interval(mean - half, mean + half), one.n + other.n);
    }

    private static double mean(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    boolean isAbove() {
        return interval.low() > 0;
    }

    boolean isBelow() {
        return interval.high() < 0;
    }

    /// `+0.42 (95 % interval +0.31 to +0.53, n = 40)`
    String text() {
        return String.format(
                Locale.ROOT,
                "%+.3f (95 %% interval %+.3f to %+.3f, n = %d)",
                mean,
                interval.low(),
                interval.high(),
                n);
    }
}
