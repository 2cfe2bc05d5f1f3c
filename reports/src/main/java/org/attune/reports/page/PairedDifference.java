package org.attune.reports.page;

import org.attune.models.eval.Interval;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;

/// The difference of two measurements of the same rows, with its 95 % interval.
///
/// @param n rows measured both times
/// @param first mean of the first measurement over these rows
/// @param second mean of the second one
/// @param interval of second minus first; NaN to NaN for a single row
record PairedDifference(int n, double first, double second, Interval interval) {
    /// Rows below which nothing is clear: the intervals are made for many.
    private static final int FEW = 10;

    /// What makes a difference of many rows. Where rows change by one amount or not at all, as
    /// right and wrong do, or a preference that was even, they are counted and not averaged: rows
    /// that all change alike would else have an interval without a width.
    ///
    /// @param first value of each row; absent values are left out with the row
    /// @param second of the same rows in the same order
    /// @return rows of 0 if no row was measured both times
    static PairedDifference of(List<OptionalDouble> first, List<OptionalDouble> second) {
        var before = new double[first.size()];
        var differences = new double[first.size()];
        int n = 0;
        int down = 0;
        int up = 0;
        double amount = 0;
        boolean even = true;
        for (int i = 0; i < Math.min(first.size(), second.size()); i++) {
            if (first.get(i).isPresent() && second.get(i).isPresent()) {
                double a = first.get(i).getAsDouble();
                double b = second.get(i).getAsDouble();
                if (b != a) {
                    even &= amount == 0 || Math.abs(b - a) == amount;
                    amount = Math.abs(b - a);
                }
                down += b < a ? 1 : 0;
                up += b > a ? 1 : 0;
                before[n] = a;
                differences[n++] = b - a;
            }
        }
        if (n == 0) {
            return new PairedDifference(
                    0, Double.NaN, Double.NaN, new Interval(Double.NaN, Double.NaN));
        }
        double mean = mean(before, n);
        double[] all = Arrays.copyOf(differences, n);
        return new PairedDifference(
                n,
                mean,
                mean + mean(all, n),
                even ? counted(amount == 0 ? 1 : amount, down, up, n) : Interval.normal(all));
    }

    private static Interval counted(double amount, int down, int up, int n) {
        Interval shares = n == 1 ? Interval.normal(new double[1]) : Interval.paired(down, up, n);
        return new Interval(amount * shares.low(), amount * shares.high());
    }

    private static double mean(double[] values, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += values[i];
        }
        return sum / n;
    }

    double difference() {
        return second - first;
    }

    /// Whether more than chance parts the two, by ten rows or more.
    boolean isClear() {
        return n >= FEW && (interval.low() > 0 || interval.high() < 0);
    }

    /// `+0.418 (95 % interval +0.366 to +0.469, n = 400)`.
    String text() {
        return n < FEW
                ? "%s (n = %d: too few to tell)".formatted(Figures.signed(difference()), n)
                : "%s (95 %% interval %s to %s, n = %d)"
                        .formatted(
                                Figures.signed(difference()),
                                Figures.signed(interval.low()),
                                Figures.signed(interval.high()),
                                n);
    }
}
