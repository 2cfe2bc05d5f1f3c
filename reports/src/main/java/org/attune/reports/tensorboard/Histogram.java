package org.attune.reports.tensorboard;

import java.util.Arrays;
import java.util.Optional;

/// How often numbers fall between limits. A named tuple.
///
/// @param min the smallest number
/// @param max the largest
/// @param count how many there are
/// @param limits upper limits of the buckets, `(B)`, rising
/// @param counts numbers in each, `(B)`: above the limit before, up to its own
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record Histogram(
        double min,
        double max,
        double count,
        double sum,
        double sumOfSquares,
        double[] limits,
        double[] counts) {
    private static final int BUCKETS = 30;

    /// Buckets of equal width between the smallest and the largest number.
    ///
    /// @param numbers those that aren't finite are left out
    /// @return empty if there are none
    static Optional<Histogram> of(double[] numbers) {
        double[] finite = Arrays.stream(numbers).filter(Double::isFinite).toArray();
        if (finite.length == 0) {
            return Optional.empty();
        }
        double min = Arrays.stream(finite).min().getAsDouble();
        double max = Arrays.stream(finite).max().getAsDouble();
        int buckets = min == max ? 1 : BUCKETS;
        var limits = new double[buckets];
        var counts = new double[buckets];
        for (int b = 0; b < buckets; b++) {
            limits[b] = b == buckets - 1 ? max : min + (max - min) * (b + 1) / buckets;
        }
        for (double number : finite) {
            int at = Arrays.binarySearch(limits, number);
            counts[Math.min(buckets - 1, at < 0 ? -at - 1 : at)]++;
        }
        return Optional.of(
                new Histogram(
                        min,
                        max,
                        finite.length,
                        Arrays.stream(finite).sum(),
                        Arrays.stream(finite).map(x -> x * x).sum(),
                        limits,
                        counts));
    }
}
