package org.attune.trainers.grpo;

import org.attune.records.CopyMethods;
import org.attune.reward.Advantages;
import org.attune.trainers.config.InRange;

import java.util.OptionalDouble;

/// The objective of group-relative policy optimisation.
///
/// @param lossType objective and how it is averaged
/// @param beta β, weight of the KL term; 0: none, and no reference
/// @param advantageEstimator how rewards become advantages
/// @param scaleRewards by what advantages are divided
/// @param multiObjectiveAggregation how several rewards become one advantage
/// @param epsilon ε, how far the ratio may fall below 1; unset: 0.2, `gmpo` 0.4, `dppo` 0.15.
///     `gmpo`: how far its logarithm may fall below 0. `dppo`: how far a probability may have
///     diverged
/// @param epsilonHigh how far it may rise above 1; unset: ε. `cispo`: bound of the ratio itself
/// @param delta upper bound of the ratio in the unclipped term
/// @param offPolicyMaskThreshold nats per token by which the policy may have become less likely to
///     write a completion that was worse than its group, before its tokens no longer count
/// @param importanceSamplingLevel one ratio per token or per completion
/// @param useBiasCorrectionKl multiply the KL term by the ratio
/// @param maskTruncatedCompletions leave completions out of the loss that hit
///     `max_completion_length`
/// @param keepSamplingMask compare log-probabilities of the distributions that tokens were drawn
///     from, where `top_k`, `top_p`, `min_p` or `typical_p` left tokens out
/// @param sapoTemperaturePos `sapo`: gate where the advantage is positive
/// @param sapoTemperatureNeg `sapo`: gate elsewhere
/// @param vespoKPos `vespo`: power where the advantage is not negative
/// @param vespoLambdaPos `vespo`: decay there
/// @param vespoKNeg `vespo`: power elsewhere
/// @param vespoLambdaNeg `vespo`: decay elsewhere
/// @param realTau `real`: temperature of the logits; > 0
/// @param numValueSamples `a2po`: completions of a prompt from which its value is estimated; ≥ 1
/// @param beta1 `a2po`: temperature of the estimate; > 0
/// @param beta2 `a2po`: weight of the log-ratio to the reference; > 0
/// @param filterAllIncorrect `a2po`: leave prompts out of which no sample has a reward above 0
/// @param disableDropout no dropout in the policy
@CopyMethods
public record GrpoLossConfig(
        GrpoLossType lossType,
        @InRange(min = 0) double beta,
        AdvantageBaseline advantageEstimator,
        Advantages.Scale scaleRewards,
        Advantages.Aggregation multiObjectiveAggregation,
        @InRange(min = 0) OptionalDouble epsilon,
        @InRange(min = 0) OptionalDouble epsilonHigh,
        @InRange(min = 0, minOpen = true) OptionalDouble delta,
        @InRange OptionalDouble offPolicyMaskThreshold,
        ImportanceSamplingLevel importanceSamplingLevel,
        boolean useBiasCorrectionKl,
        boolean maskTruncatedCompletions,
        boolean keepSamplingMask,
        @InRange(min = 0, minOpen = true) double sapoTemperaturePos,
        @InRange(min = 0, minOpen = true) double sapoTemperatureNeg,
        @InRange double vespoKPos,
        @InRange double vespoLambdaPos,
        @InRange double vespoKNeg,
        @InRange double vespoLambdaNeg,
        @InRange(min = 0, minOpen = true) double realTau,
        @InRange(min = 1) int numValueSamples,
        @InRange(min = 0, minOpen = true) double beta1,
        @InRange(min = 0, minOpen = true) double beta2,
        boolean filterAllIncorrect,
        boolean disableDropout)
        implements GrpoLossConfigCopies {
    /// The defaults, as listed at the parameters.
    public static GrpoLossConfig defaults() {
        return GrpoLossConfigCopies.blank()
                .withLossType(GrpoLossType.DAPO)
                .withAdvantageEstimator(AdvantageBaseline.GROUP)
                .withScaleRewards(Advantages.Scale.GROUP)
                .withMultiObjectiveAggregation(Advantages.Aggregation.SUM_THEN_NORMALIZE)
                .withImportanceSamplingLevel(ImportanceSamplingLevel.TOKEN)
                .withUseBiasCorrectionKl(true)
                .withSapoTemperaturePos(1)
                .withSapoTemperatureNeg(1.05)
                .withVespoKPos(2)
                .withVespoLambdaPos(3)
                .withVespoKNeg(3)
                .withVespoLambdaNeg(2)
                .withRealTau(0.5)
                .withNumValueSamples(8)
                .withBeta1(0.5)
                .withBeta2(1e-3)
                .withFilterAllIncorrect(true);
    }

    /// ε, set or not.
    double lowBound() {
        return epsilon.orElse(
                switch (lossType) {
                    case GMPO -> 0.4;
                    case DPPO -> 0.15;
                    default -> 0.2;
                });
    }

    /// The bound above 1, set or not.
    double highBound() {
        return epsilonHigh.orElse(lowBound());
    }
}
