package org.attune.rollout.sampling;

import org.apache.commons.rng.simple.RandomSource;

/// Random numbers that depend on seed, sequence and position alone, so neither the batch nor the
/// order of work changes what is sampled.
public final class Draws {
    private static final long GOLDEN = 0x9E37_79B9_7F4A_7C15L;

    private final long seed;

    public Draws(long seed) {
        this.seed = seed;
    }

    /// The seed of a round of a run.
    static long seedOf(long seed, long round) {
        return seed + GOLDEN * (round + 1);
    }

    /// Uniform in [0, 1).
    double uniform(int sequence, int position) {
        long stream = scrambled(scrambled(seed) ^ sequence);
        return RandomSource.SPLIT_MIX_64.create(scrambled(stream ^ position)).nextDouble();
    }

    /// A whole number ≥ 0 of 31 bits, for others who draw.
    public int whole(int sequence) {
        return (int) (scrambled(scrambled(seed) ^ sequence) >>> 33);
    }

    private static long scrambled(long value) {
        return RandomSource.SPLIT_MIX_64.create(value).nextLong();
    }
}
