package org.attune.trainers.unpaired;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.OptionalInt;

/// The objective of Kahneman-Tversky optimisation, and how long its rows are: TRL's `KTOConfig`.
///
/// @param lossType objective
/// @param maxLength tokens of prompt and completion; a completion's end that is beyond is cut off.
///     Empty (`null` in YAML): nothing is
/// @param beta β, strength of the pull to the reference; > 0
/// @param desirableWeight factor on the loss of completions with label true; ≥ 0
/// @param undesirableWeight factor on the loss of completions with label false; ≥ 0
/// @param disableDropout no dropout in policy and reference
/// @param trlCompat whether preference pairs become all chosen completions, then all rejected ones,
///     as in TRL; else both come in turn
@CopyMethods
public record KtoLossConfig(
        KtoLossType lossType,
        @InRange(min = 1) OptionalInt maxLength,
        @InRange(min = 0, minOpen = true) double beta,
        @InRange(min = 0) double desirableWeight,
        @InRange(min = 0) double undesirableWeight,
        boolean disableDropout,
        boolean trlCompat)
        implements KtoLossConfigCopies {
    /// The defaults, as listed at the parameters.
    public static KtoLossConfig defaults() {
        return KtoLossConfigCopies.blank()
                .withLossType(KtoLossType.KTO)
                .withMaxLength(1024)
                .withBeta(0.1)
                .withDesirableWeight(1)
                .withUndesirableWeight(1)
                .withDisableDropout(true);
    }
}
