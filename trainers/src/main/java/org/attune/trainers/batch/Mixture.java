package org.attune.trainers.batch;

import org.attune.error.ConfigException;
import org.attune.trainers.config.StoppingStrategy;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/// How many rows of each data set an epoch takes. The numbers are the same in every epoch: they
/// follow the probabilities as closely as whole rows can.
///
/// @param sizes rows of each data set, ≥ 1
/// @param probabilities of the data sets, > 0; only their ratios count
/// @param stopping when an epoch ends
public record Mixture(List<Integer> sizes, List<Double> probabilities, StoppingStrategy stopping) {
    private static final double ROUNDING = 1e-9; // 0.3 * 10 is a little less than 3

    public Mixture {
        sizes = List.copyOf(sizes);
        double sum = probabilities.stream().mapToDouble(Double::doubleValue).sum();
        probabilities = probabilities.stream().map(p -> p / sum).toList();
        if (sizes.size() != probabilities.size() || !sizes.stream().allMatch(n -> n > 0)) {
            throw new IllegalArgumentException(
                    "%s rows for %s probabilities".formatted(sizes, probabilities));
        }
    }

    /// Rows that an epoch takes of each data set.
    ///
    /// @throws ConfigException if it takes none of one
    public int[] counts() {
        int[] counts =
                switch (stopping) {
                    case FIRST_EXHAUSTED -> atMost();
                    case ALL_EXHAUSTED -> atLeast();
                    case ALL_EXHAUSTED_WITHOUT_REPLACEMENT ->
                            sizes.stream().mapToInt(Integer::intValue).toArray();
                };
        for (int i = 0; i < counts.length; i++) {
            if (counts[i] == 0) {
                throw new ConfigException(
                        ("probabilities: an epoch of %d rows has none of data set %d, whose share"
                                        + " is %.2g; raise that number, or use stopping_strategy:"
                                        + " all_exhausted")
                                .formatted(Arrays.stream(counts).sum(), i, probabilities.get(i)));
            }
        }
        return counts;
    }

    private int[] atMost() {
        double rows = ratios().min().orElseThrow();
        int[] counts = divided((long) Math.floor(rows * (1 + ROUNDING)));
        Arrays.setAll(counts, i -> Math.min(counts[i], sizes.get(i)));
        return counts;
    }

    private int[] atLeast() {
        double rows = ratios().max().orElseThrow();
        int[] counts = divided((long) Math.ceil(rows * (1 - ROUNDING)));
        Arrays.setAll(counts, i -> Math.max(counts[i], sizes.get(i)));
        return counts;
    }

    /// For each data set the rows of the mixture in which it is used up.
    private DoubleStream ratios() {
        return IntStream.range(0, sizes.size())
                .mapToDouble(i -> sizes.get(i) / probabilities.get(i));
    }

    /// Divides rows by the probabilities; what rounding leaves goes to the largest remainders.
    private int[] divided(long rows) {
        if (rows > Integer.MAX_VALUE) {
            throw new ConfigException(
                    ("probabilities: an epoch would have %d rows, at most %d are possible; use"
                                    + " stopping_strategy: first_exhausted")
                            .formatted(rows, Integer.MAX_VALUE));
        }
        double[] exact = probabilities.stream().mapToDouble(p -> p * rows).toArray();
        int[] counts = Arrays.stream(exact).mapToInt(x -> (int) Math.floor(x + ROUNDING)).toArray();
        int left = (int) (rows - Arrays.stream(counts).asLongStream().sum());
        IntStream.range(0, counts.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> counts[i] - exact[i]))
                .limit(Math.max(0, left))
                .forEach(i -> counts[i]++);
        return counts;
    }

    /// The mixture in words, for a log.
    ///
    /// @param names of the data sets
    public String words(List<String> names) {
        int[] counts = counts();
        int rows = Arrays.stream(counts).sum();
        return "an epoch has %d rows: ".formatted(rows)
                + String.join(
                        ", ",
                        IntStream.range(0, counts.length)
                                .mapToObj(
                                        i ->
                                                "%d (%.1f %%) of the %d of %s"
                                                        .formatted(
                                                                counts[i],
                                                                100.0 * counts[i] / rows,
                                                                sizes.get(i),
                                                                names.get(i)))
                                .toList());
    }
}
