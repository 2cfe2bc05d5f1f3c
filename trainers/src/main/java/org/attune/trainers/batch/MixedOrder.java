package org.attune.trainers.batch;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.PermutationSampler;

import java.util.Arrays;

/// The rows of a [Mixture] in the order in which an epoch visits them. Which data set comes when is
/// drawn anew for each epoch. A row comes again only after all others of its data set: an epoch
/// goes on where the one before ended, unless it takes all rows anyway.
final class MixedOrder implements RowOrder {
    private final Mixture mixture;
    private final boolean shuffled;
    private final long seed;
    private final int[] counts;
    private int epoch = -1; // of the order that is kept: each step of an epoch asks for it
    private int[] order = {};

    /// @param shuffled whether the rows of a data set are shuffled too; else they keep its order
    /// @param seed the run's data seed
    MixedOrder(Mixture mixture, boolean shuffled, long seed) {
        this.mixture = mixture;
        this.shuffled = shuffled;
        this.seed = seed;
        counts = mixture.counts().stream().mapToInt(Integer::intValue).toArray();
    }

    @Override
    public int epochRows(int rows) {
        return mixture.rows();
    }

    /// @return numbers of rows, of which some may be missing and others be there several times
    @Override
    public int[] permutation(int asked, int rows) {
        if (asked != epoch) {
            order = drawn(asked);
            epoch = asked;
        }
        return order.clone();
    }

    private int[] drawn(int asked) {
        int[] starts = MixedRows.starts(mixture.sizes());
        int[][] own = new int[counts.length][];
        for (int i = 0; i < own.length; i++) {
            own[i] = ownRows(i, asked);
        }
        int[] next = new int[own.length];
        int[] turns = turns(RowOrder.stream("mixture", seed, asked));
        int[] all = new int[turns.length];
        for (int i = 0; i < all.length; i++) {
            int set = turns[i];
            all[i] = starts[set] + own[set][next[set]++];
        }
        return all;
    }

    /// For each row of an epoch the data set that it is of.
    private int[] turns(UniformRandomProvider random) {
        int[] turns = new int[mixture.rows()];
        if (mixture.likelierFirst()) {
            int[] left = counts.clone();
            Arrays.setAll(turns, _ -> draw(random, left));
            return turns;
        }
        int at = 0;
        for (int i = 0; i < counts.length; i++) {
            Arrays.fill(turns, at, at + counts[i], i);
            at += counts[i];
        }
        PermutationSampler.shuffle(random, turns);
        return turns;
    }

    /// Draws one of the data sets that have rows left, by the probabilities.
    private int draw(UniformRandomProvider random, int[] left) {
        double sum = 0;
        int last = 0;
        for (int i = 0; i < left.length; i++) {
            if (left[i] > 0) {
                sum += mixture.probabilities().get(i);
                last = i;
            }
        }
        double at = random.nextDouble() * sum;
        int drawn = 0;
        while (drawn < last) {
            if (left[drawn] > 0) {
                at -= mixture.probabilities().get(drawn);
                if (at < 0) {
                    break;
                }
            }
            drawn++;
        }
        left[drawn]--;
        return drawn;
    }

    /// Numbers of a data set's rows, in the order in which an epoch takes them.
    private int[] ownRows(int set, int asked) {
        int size = mixture.sizes().get(set);
        int count = counts[set];
        long first =
                count < size
                        ? (long) asked * count
                        : (long) asked * Math.ceilDiv(count, size) * size;
        int[] rows = new int[count];
        int[] pass = {};
        long passOf = -1;
        for (int i = 0; i < count; i++) {
            long at = first + i;
            if (at / size != passOf) {
                passOf = at / size;
                pass = pass(set, passOf, size);
            }
            rows[i] = pass[(int) (at % size)];
        }
        return rows;
    }

    /// One pass over a data set.
    private int[] pass(int set, long number, int size) {
        int[] rows = PermutationSampler.natural(size);
        if (shuffled) {
            PermutationSampler.shuffle(
                    RowOrder.stream("mixture/" + set, seed, Math.toIntExact(number)), rows);
        }
        return rows;
    }
}
