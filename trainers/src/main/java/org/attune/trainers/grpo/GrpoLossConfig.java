package org.attune.trainers.grpo;

import org.attune.trainers.config.InRange;

import java.util.OptionalDouble;

/// The objective of group-relative policy optimisation.
///
/// @param lossType objective and how it is averaged
/// @param beta β, weight of the KL term; 0: none, and no reference
/// @param epsilon ε, how far the ratio may fall below 1
/// @param epsilonHigh how far it may rise above 1; unset: ε. `cispo`: bound of the ratio itself
/// @param delta upper bound of the ratio in the unclipped term
/// @param importanceSamplingLevel one ratio per token or per completion
/// @param useBiasCorrectionKl multiply the KL term by the ratio
/// @param maskTruncatedCompletions leave completions out of the loss that hit
///     `max_completion_length`
/// @param sapoTemperaturePos `sapo`: gate where the advantage is positive
/// @param sapoTemperatureNeg `sapo`: gate elsewhere
/// @param vespoKPos `vespo`: power where the advantage is not negative
/// @param vespoLambdaPos `vespo`: decay there
/// @param vespoKNeg `vespo`: power elsewhere
/// @param vespoLambdaNeg `vespo`: decay elsewhere
/// @param disableDropout no dropout in the policy
public record GrpoLossConfig(
        GrpoLossType lossType,
        @InRange(min = 0) double beta,
        @InRange(min = 0) double epsilon,
        @InRange(min = 0) OptionalDouble epsilonHigh,
        @InRange(min = 0, minOpen = true) OptionalDouble delta,
        ImportanceSamplingLevel importanceSamplingLevel,
        boolean useBiasCorrectionKl,
        boolean maskTruncatedCompletions,
        @InRange(min = 0, minOpen = true) double sapoTemperaturePos,
        @InRange(min = 0, minOpen = true) double sapoTemperatureNeg,
        @InRange double vespoKPos,
        @InRange double vespoLambdaPos,
        @InRange double vespoKNeg,
        @InRange double vespoLambdaNeg,
        boolean disableDropout) {
    /// The defaults, as listed at the parameters.
    public static GrpoLossConfig defaults() {
        return new GrpoLossConfig(
                GrpoLossType.DAPO,
                0,
                0.2,
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                ImportanceSamplingLevel.TOKEN,
                true,
                false,
                1,
                1.05,
                2,
                3,
                3,
                2,
                false);
    }

    public GrpoLossConfig withLossType(GrpoLossType lossType) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                epsilonHigh,
                delta,
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }

    public GrpoLossConfig withBeta(double beta) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                epsilonHigh,
                delta,
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }

    public GrpoLossConfig withEpsilon(double epsilon) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                epsilonHigh,
                delta,
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }

    public GrpoLossConfig withEpsilonHigh(double epsilonHigh) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                OptionalDouble.of(epsilonHigh),
                delta,
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }

    public GrpoLossConfig withDelta(double delta) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                epsilonHigh,
                OptionalDouble.of(delta),
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }

    public GrpoLossConfig withImportanceSamplingLevel(
            ImportanceSamplingLevel importanceSamplingLevel) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                epsilonHigh,
                delta,
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }

    public GrpoLossConfig withUseBiasCorrectionKl(boolean useBiasCorrectionKl) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                epsilonHigh,
                delta,
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }

    public GrpoLossConfig withMaskTruncatedCompletions(boolean maskTruncatedCompletions) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                epsilonHigh,
                delta,
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }

    public GrpoLossConfig withSapoTemperaturePos(double sapoTemperaturePos) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                epsilonHigh,
                delta,
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }

    public GrpoLossConfig withSapoTemperatureNeg(double sapoTemperatureNeg) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                epsilonHigh,
                delta,
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }

    public GrpoLossConfig withVespoKPos(double vespoKPos) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                epsilonHigh,
                delta,
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }

    public GrpoLossConfig withVespoLambdaPos(double vespoLambdaPos) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                epsilonHigh,
                delta,
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }

    public GrpoLossConfig withVespoKNeg(double vespoKNeg) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                epsilonHigh,
                delta,
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }

    public GrpoLossConfig withVespoLambdaNeg(double vespoLambdaNeg) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                epsilonHigh,
                delta,
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }

    public GrpoLossConfig withDisableDropout(boolean disableDropout) {
        return new GrpoLossConfig(
                lossType,
                beta,
                epsilon,
                epsilonHigh,
                delta,
                importanceSamplingLevel,
                useBiasCorrectionKl,
                maskTruncatedCompletions,
                sapoTemperaturePos,
                sapoTemperatureNeg,
                vespoKPos,
                vespoLambdaPos,
                vespoKNeg,
                vespoLambdaNeg,
                disableDropout);
    }
}
