package org.attune.trainers.scoring;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.OptionalDouble;
import java.util.OptionalInt;

/// What a reward model learns, and from which pairs.
///
/// @param maxLength pairs with a longer side are left out; empty (`null` in YAML): none are
/// @param centerRewardsCoefficient weight of `(chosen + rejected)²`, which holds scores near 0;
///     empty: no such term. [Eisenstein et al. 2023](https://arxiv.org/abs/2312.09244) use 0.01
/// @param disableDropout whether the adapter's dropout is off
@CopyMethods
public record RewardLossConfig(
        @InRange(min = 1) OptionalInt maxLength,
        @InRange(min = 0) OptionalDouble centerRewardsCoefficient,
        boolean disableDropout)
        implements RewardLossConfigCopies {
    /// The defaults, as listed at the parameters.
    public static RewardLossConfig defaults() {
        return RewardLossConfigCopies.blank().withMaxLength(1024).withDisableDropout(true);
    }
}
