package org.attune.datasets;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.PermutationSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.ConfigException;

import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;
import java.util.stream.IntStream;

/// Numbers of rows in four bytes each, since a corpus has many. Numbers can be set, so that they
/// can be shuffled.
public final class Positions extends AbstractList<Integer> implements RandomAccess {
    private final int[] numbers;

    private Positions(int[] numbers) {
        this.numbers = numbers;
    }

    /// A copy whose numbers can be set.
    public static Positions copyOf(List<Integer> numbers) {
        return new Positions(numbers.stream().mapToInt(Integer::intValue).toArray());
    }

    /// `count` numbers from `from` on, which take no memory.
    public static List<Integer> range(int from, int count) {
        return new Range(from, count);
    }

    /// What stands in `numbers` at each of `places`.
    public static List<Integer> through(List<Integer> places, List<Integer> numbers) {
        return new Positions(places.stream().mapToInt(numbers::get).toArray());
    }

    /// All numbers of some lists, one list after the other.
    static List<Integer> joined(List<List<Integer>> lists) {
        if (lists.size() == 1) {
            return lists.getFirst();
        }
        return new Positions(
                lists.stream()
                        .flatMapToInt(list -> list.stream().mapToInt(Integer::intValue))
                        .toArray());
    }

    /// Rows to train on and held-out ones, by their numbers; both keep the rows' order.
    public record Holdout(List<Integer> train, List<Integer> test) {}

    /// Puts some of `rows` rows aside (`test_split_size`), drawn at random.
    ///
    /// @param size a share of the rows in `(0, 1)`, rounded up, or their number, ≥ 1
    /// @param seed the same seed gives the same split
    /// @throws ConfigException if nothing would be left to train on, or `size` isn't positive
    public static Holdout holdOut(int rows, double size, long seed) {
        if (!(size > 0) || size >= 1 && size != Math.rint(size)) {
            throw new ConfigException(
                    "test_split_size must be a share between 0 and 1 or a number of rows, got "
                            + size);
        }
        long count = size < 1 ? (long) Math.ceil(size * rows) : (long) size;
        if (count >= rows) {
            throw new ConfigException(
                    "test_split_size %s would put aside %d of %d rows, nothing is left to train on"
                            .formatted(size, count, rows));
        }
        UniformRandomProvider random = RandomSource.XO_SHI_RO_256_PP.create(seed);
        int[] order = PermutationSampler.natural(rows);
        PermutationSampler.shuffle(random, order);
        boolean[] aside = new boolean[rows];
        for (int i = 0; i < count; i++) {
            aside[order[i]] = true;
        }
        return new Holdout(part(aside, false), part(aside, true));
    }

    private static List<Integer> part(boolean[] aside, boolean wanted) {
        return new Positions(
                IntStream.range(0, aside.length).filter(row -> aside[row] == wanted).toArray());
    }

    @Override
    public Integer get(int index) {
        return numbers[index];
    }

    @Override
    public Integer set(int index, Integer number) {
        int before = numbers[index];
        numbers[index] = number;
        return before;
    }

    @Override
    public int size() {
        return numbers.length;
    }

    /// Numbers that follow each other.
    private static final class Range extends AbstractList<Integer> implements RandomAccess {
        private final int from;
        private final int count;

        Range(int from, int count) {
            this.from = from;
            this.count = count;
        }

        @Override
        public Integer get(int index) {
            return from + index;
        }

        @Override
        public int size() {
            return count;
        }
    }
}
