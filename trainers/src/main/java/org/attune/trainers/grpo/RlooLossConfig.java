package org.attune.trainers.grpo;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.util.List;
import java.util.OptionalDouble;

/// The objective of leave-one-out policy optimisation.
///
/// @param beta β, weight of the divergence in the reward; 0: none, and no reference
/// @param epsilon ε, how far a completion's ratio may fall below 1
/// @param epsilonHigh how far it may rise above 1; unset: ε
/// @param normalizeAdvantages whether advantages are standardised in the round
/// @param rewardClipRange lowest and highest reward, before the divergence; empty: any
/// @param maskTruncatedCompletions leave completions out of the loss that hit
///     `max_completion_length`
/// @param keepSamplingMask compare log-probabilities of the distributions that tokens were drawn
///     from, where `top_k`, `top_p`, `min_p` or `typical_p` left tokens out
/// @param disableDropout no dropout in the policy
@CopyMethods
public record RlooLossConfig(
        @InRange(min = 0) double beta,
        @InRange(min = 0) double epsilon,
        @InRange(min = 0) OptionalDouble epsilonHigh,
        boolean normalizeAdvantages,
        List<@InRange Double> rewardClipRange,
        boolean maskTruncatedCompletions,
        boolean keepSamplingMask,
        boolean disableDropout)
        implements RlooLossConfigCopies, CrossChecked {
    public RlooLossConfig {
        rewardClipRange = List.copyOf(rewardClipRange);
    }

    /// The defaults, as listed at the parameters.
    public static RlooLossConfig defaults() {
        return RlooLossConfigCopies.blank().withBeta(0.05).withEpsilon(0.2);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        List<Double> range = rewardClipRange;
        return range.isEmpty() || range.size() == 2 && range.get(0) <= range.get(1)
                ? List.of()
                : List.of(
                        new ConfigProblem(
                                "reward_clip_range",
                                range,
                                "the lowest and the highest reward, as [-5, 5]"));
    }
}
