package org.attune.trainers.scoring;

import org.attune.trainers.config.InRange;

import java.util.OptionalDouble;
import java.util.OptionalInt;

/// What a reward model learns, and from which pairs.
///
/// @param maxLength pairs with a longer side are left out; empty (`null` in YAML): none are
/// @param centerRewardsCoefficient weight of `(chosen + rejected)²`, which holds scores near 0;
///     empty: no such term. [Eisenstein et al. 2023](https://arxiv.org/abs/2312.09244) use 0.01
/// @param disableDropout whether the adapter's dropout is off
public record RewardLossConfig(
        @InRange(min = 1) OptionalInt maxLength,
        @InRange(min = 0) OptionalDouble centerRewardsCoefficient,
        boolean disableDropout) {
    /// The defaults, as listed at the parameters.
    public static RewardLossConfig defaults() {
        return new RewardLossConfig(OptionalInt.of(1024), OptionalDouble.empty(), true);
    }

    public RewardLossConfig withMaxLength(int maxLength) {
        return new RewardLossConfig(
                OptionalInt.of(maxLength), centerRewardsCoefficient, disableDropout);
    }

    public RewardLossConfig withCenterRewardsCoefficient(double centerRewardsCoefficient) {
        return new RewardLossConfig(
                maxLength, OptionalDouble.of(centerRewardsCoefficient), disableDropout);
    }

    public RewardLossConfig withDisableDropout(boolean disableDropout) {
        return new RewardLossConfig(maxLength, centerRewardsCoefficient, disableDropout);
    }
}
