package org.attune.trainers.config;

import org.attune.records.CopyMethods;

/// An average of the weights over the run, written beside the result
/// ([Block and Zhang 2025](https://arxiv.org/abs/2508.00180), BEMA), with the settings of TRL's
/// `BEMACallback`.
///
/// @param bema whether the average is taken
/// @param bemaUpdateFreq φ, steps between updates
/// @param bemaEmaPower κ, power of the decay of the average
/// @param bemaBiasPower η, power of the correction's decay; large values leave a plain average
/// @param bemaLag ρ, age at which the average begins
/// @param bemaUpdateAfter τ, steps before the average begins
/// @param bemaMultiplier γ, growth of the age in a step
/// @param bemaMinEmaMultiplier least share of the present weights in an update
@CopyMethods
public record BemaConfig(
        boolean bema,
        @InRange(min = 1) int bemaUpdateFreq,
        @InRange(min = 0) double bemaEmaPower,
        @InRange(min = 0) double bemaBiasPower,
        @InRange(min = 1) int bemaLag,
        @InRange(min = 0) int bemaUpdateAfter,
        @InRange(min = 0) double bemaMultiplier,
        @InRange(min = 0, max = 1) double bemaMinEmaMultiplier)
        implements BemaConfigCopies {
    /// Copies of the trained numbers that an average takes.
    private static final int COPIES = 3;

    /// TRL's.
    public static BemaConfig defaults() {
        return BemaConfigCopies.blank()
                .withBemaUpdateFreq(400)
                .withBemaEmaPower(0.5)
                .withBemaBiasPower(0.2)
                .withBemaLag(10)
                .withBemaMultiplier(1);
    }

    /// Bytes of the average's tensors.
    long bytes(long numbers) {
        return bema ? COPIES * Float.BYTES * numbers : 0;
    }
}
