package org.attune.rollout;

import org.apache.commons.rng.simple.RandomSource;

/// Random numbers that depend on seed, sequence and position alone, so neither the batch nor the
/// order of work changes what is sampled.
final class Draws {
    private final long seed;

    Draws(long seed) {
        this.seed = seed;
    }

    /// Uniform in [0, 1).
    double uniform(int sequence, int position) {
        long stream = scrambled(scrambled(seed) ^ sequence);
        return RandomSource.SPLIT_MIX_64.create(scrambled(stream ^ position)).nextDouble();
    }

    private static long scrambled(long value) {
        return RandomSource.SPLIT_MIX_64.create(value).nextLong();
    }
}
