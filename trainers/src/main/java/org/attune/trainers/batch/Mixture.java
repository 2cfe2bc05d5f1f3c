package org.attune.trainers.batch;

import org.attune.error.ConfigException;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/// How many rows of each data set an epoch takes: as many in every epoch. They follow the
/// probabilities as closely as whole rows can.
///
/// @param sizes rows of each data set, ≥ 1
/// @param counts how many of them an epoch takes, ≥ 1
/// @param probabilities of the data sets, > 0 and with the sum 1
/// @param likelierFirst whether a data set is drawn by its probability as long as it has rows left;
///     else all orders are as likely
record Mixture(
        List<Integer> sizes,
        List<Integer> counts,
        List<Double> probabilities,
        boolean likelierFirst) {
    private static final double ROUNDING = 1e-9; // 0.3 * 10 is a little less than 3

    Mixture {
        sizes = List.copyOf(sizes);
        counts = List.copyOf(counts);
        probabilities = List.copyOf(probabilities);
        int none = counts.indexOf(0);
        if (none >= 0) {
            throw new ConfigException(
                    ("probabilities: an epoch of %d rows has none of data set %d, whose share is"
                         + " %.2g; raise that number, or use stopping_strategy: all_exhausted")
                            .formatted(rows(counts), none, probabilities.get(none)));
        }
    }

    /// An epoch ends when the first data set is used up.
    ///
    /// @throws ConfigException if it has none of a data set
    static Mixture untilFirst(List<Integer> sizes, List<Double> weights) {
        List<Double> probabilities = normalised(sizes, weights);
        double rows = ratios(sizes, probabilities).min().orElseThrow();
        int[] counts = divided((long) Math.floor(rows * (1 + ROUNDING)), probabilities);
        Arrays.setAll(counts, i -> Math.min(counts[i], sizes.get(i)));
        return new Mixture(sizes, boxed(counts), probabilities, false);
    }

    /// An epoch ends when all data sets are used up; rows of the others come again.
    static Mixture untilAll(List<Integer> sizes, List<Double> weights) {
        List<Double> probabilities = normalised(sizes, weights);
        double rows = ratios(sizes, probabilities).max().orElseThrow();
        int[] counts = divided((long) Math.ceil(rows * (1 - ROUNDING)), probabilities);
        Arrays.setAll(counts, i -> Math.max(counts[i], sizes.get(i)));
        return new Mixture(sizes, boxed(counts), probabilities, false);
    }

    /// An epoch has each row once.
    static Mixture eachOnce(List<Integer> sizes, List<Double> weights) {
        return new Mixture(sizes, sizes, normalised(sizes, weights), true);
    }

    private static List<Double> normalised(List<Integer> sizes, List<Double> weights) {
        if (sizes.size() != weights.size() || !sizes.stream().allMatch(n -> n > 0)) {
            throw new IllegalArgumentException(
                    "%s rows for the probabilities %s".formatted(sizes, weights));
        }
        double sum = weights.stream().mapToDouble(Double::doubleValue).sum();
        return weights.stream().map(weight -> weight / sum).toList();
    }

    /// For each data set the rows of the mixture in which it is used up.
    private static DoubleStream ratios(List<Integer> sizes, List<Double> probabilities) {
        return IntStream.range(0, sizes.size())
                .mapToDouble(i -> sizes.get(i) / probabilities.get(i));
    }

    /// Divides rows by the probabilities; what rounding leaves goes to the largest remainders.
    private static int[] divided(long rows, List<Double> probabilities) {
        if (rows > Integer.MAX_VALUE) {
            throw new ConfigException(
                    ("probabilities: an epoch would have %d rows, at most %d are possible; use"
                                    + " stopping_strategy: first_exhausted")
                            .formatted(rows, Integer.MAX_VALUE));
        }
        double[] exact = probabilities.stream().mapToDouble(p -> p * rows).toArray();
        int[] counts = Arrays.stream(exact).mapToInt(x -> (int) Math.floor(x + ROUNDING)).toArray();
        long left = rows - Arrays.stream(counts).asLongStream().sum();
        IntStream.range(0, counts.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> counts[i] - exact[i]))
                .limit(Math.max(0, left))
                .forEach(i -> counts[i]++);
        return counts;
    }

    private static List<Integer> boxed(int[] numbers) {
        return Arrays.stream(numbers).boxed().toList();
    }

    /// Rows of an epoch.
    int rows() {
        return rows(counts);
    }

    private static int rows(List<Integer> counts) {
        return counts.stream().reduce(0, Math::addExact);
    }

    /// The mixture in words, for a log.
    ///
    /// @param names of the data sets
    String words(List<String> names) {
        List<String> parts =
                IntStream.range(0, counts.size())
                        .mapToObj(
                                i ->
                                        "%d (%.1f %%) of the %d of %s"
                                                .formatted(
                                                        counts.get(i),
                                                        100.0 * counts.get(i) / rows(),
                                                        sizes.get(i),
                                                        names.get(i)))
                        .toList();
        return "an epoch has %d rows: %s".formatted(rows(), String.join(", ", parts));
    }
}
