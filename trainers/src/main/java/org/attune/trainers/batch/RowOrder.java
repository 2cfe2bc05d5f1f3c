package org.attune.trainers.batch;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.PermutationSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.trainers.examples.RowStream;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;

/// The order in which an epoch visits the rows. A pure function of the epoch's number: to resume a
/// run, no generator has to be restored.
public sealed interface RowOrder
        permits RowOrder.Sequential,
                RowOrder.Shuffled,
                RowOrder.GroupedByLength,
                RowOrder.Streamed,
                MixedOrder {
    /// The order of rows that stand in a list: of a mixture, if they are [MixedRows], and that of
    /// the stream, if they are a [RowStream].
    ///
    /// @param shuffled whether the rows are shuffled anew in each epoch
    /// @param seed the run's data seed
    /// @throws org.attune.error.ConfigException if a mixture takes no row of a data set
    static RowOrder of(List<?> rows, boolean shuffled, long seed) {
        if (rows instanceof RowStream<?>) {
            return new Streamed();
        }
        return MixedRows.mixture(rows)
                .<RowOrder>map(mixture -> new MixedOrder(mixture, shuffled, seed))
                .orElseGet(() -> shuffled ? new Shuffled(seed) : new Sequential());
    }

    /// Rows that an epoch visits.
    ///
    /// @param rows of the data
    default int epochRows(int rows) {
        return rows;
    }

    /// A permutation of `0 … rows - 1`; of a mixture as many of these numbers as [#epochRows] says.
    ///
    /// @param epoch from 0
    int[] permutation(int epoch, int rows);

    /// A part of an epoch's [#permutation].
    ///
    /// @param from first place
    /// @param to after the last one
    default int[] part(int epoch, int rows, int from, int to) {
        return Arrays.copyOfRange(permutation(epoch, rows), from, to);
    }

    /// File order, in every epoch.
    record Sequential() implements RowOrder {
        @Override
        public int[] permutation(int epoch, int rows) {
            return IntStream.range(0, rows).toArray();
        }
    }

    /// The order of a [RowStream], which has its own: one row after the other, on and on.
    record Streamed() implements RowOrder {
        @Override
        public int[] permutation(int epoch, int rows) {
            return part(epoch, rows, 0, rows);
        }

        @Override
        public int[] part(int epoch, int rows, int from, int to) {
            int first = Math.multiplyExact(epoch, rows);
            return IntStream.range(Math.addExact(first, from), Math.addExact(first, to)).toArray();
        }
    }

    /// Another random order in every epoch.
    ///
    /// @param seed the run's data seed
    record Shuffled(long seed) implements RowOrder {
        @Override
        public int[] permutation(int epoch, int rows) {
            int[] order = IntStream.range(0, rows).toArray();
            PermutationSampler.shuffle(stream("row-order", seed, epoch), order);
            return order;
        }
    }

    /// Random order in which rows of similar length stand together: shuffled, cut into pieces of
    /// 50 micro-batches, each sorted from long to short. The longest row of all comes first, so
    /// that a lack of memory shows at once.
    ///
    /// @param seed the run's data seed
    /// @param lengths tokens of each row
    /// @param microBatchRows rows of a logical micro-batch; ≥ 1
    record GroupedByLength(long seed, int[] lengths, int microBatchRows) implements RowOrder {
        private static final int MICRO_BATCHES = 50;

        public GroupedByLength {
            if (microBatchRows < 1) {
                throw new IllegalArgumentException(
                        "microBatchRows must be >= 1, got " + microBatchRows);
            }
        }

        @Override
        public int[] permutation(int epoch, int rows) {
            if (rows != lengths.length) {
                throw new IllegalArgumentException(
                        "%d lengths for %d rows".formatted(lengths.length, rows));
            }
            int[] order = new Shuffled(seed).permutation(epoch, rows);
            int piece = (int) Math.min(rows, (long) MICRO_BATCHES * microBatchRows);
            Comparator<Integer> pieceByPiece = Comparator.comparingInt(i -> i / piece);
            int[] sorted =
                    IntStream.range(0, rows)
                            .boxed()
                            .sorted(pieceByPiece.thenComparingInt(i -> -lengths[order[i]]))
                            .mapToInt(i -> order[i])
                            .toArray();
            return longestFirst(sorted);
        }

        private int[] longestFirst(int[] order) {
            int longest = 0;
            for (int i = 1; i < order.length; i++) {
                longest = lengths[order[i]] > lengths[order[longest]] ? i : longest;
            }
            int first = order[0];
            order[0] = order[longest];
            order[longest] = first;
            return order;
        }
    }

    /// The random numbers of one epoch's order: their own stream, named by its purpose.
    ///
    /// @param purpose what the numbers are for
    static UniformRandomProvider stream(String purpose, long seed, int epoch) {
        String name = purpose + "/" + seed + "/" + epoch;
        var hash = UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8));
        return RandomSource.XO_SHI_RO_256_PP.create(
                new long[] {
                    hash.getMostSignificantBits(), hash.getLeastSignificantBits(), seed, epoch
                });
    }
}
