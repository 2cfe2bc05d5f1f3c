package org.attune.reward;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

/// A reward function and its factor in the sum of rewards.
///
/// @param weight finite; TRL's `reward_weights`, 1 unless given
@Api(STABLE)
public record WeightedReward(RewardFunction function, double weight) {
    public WeightedReward {
        if (function == null) {
            throw new IllegalArgumentException("function must not be null");
        }
        if (!Double.isFinite(weight)) {
            throw new IllegalArgumentException("weight must be finite, got " + weight);
        }
    }

    /// Weight 1.
    public static WeightedReward of(RewardFunction function) {
        return new WeightedReward(function, 1);
    }

    /// The function's name in metrics.
    public String name() {
        return function.name();
    }

    /// Name and weight, the same in each process: a run is told from others by it.
    @Override
    public String toString() {
        return "%s (weight %s)".formatted(name(), weight);
    }
}
