package org.attune.trainers.preference;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.OptionalDouble;

/// Variations of the preference objective; the defaults are plain DPO.
///
/// @param fDivergenceType what turns log-ratios into scores
/// @param fAlphaDivergenceCoef α of `alpha_divergence`
/// @param ldAlpha LD-DPO's α, [Liu et al. 2024](https://arxiv.org/abs/2409.06411): weight of
///     tokens beyond the shorter completion; unset: 1
/// @param useWeighting WPO, [Zhou et al. 2024](https://arxiv.org/abs/2406.11827): pairs weighted by
///     how likely the policy itself was to sample them; not with `aot`, `aot_unpaired` and `sft`
/// @param discopopTau τ of `discopop`
/// @param dpopLambda λ of `dpop`, weight of the penalty for chosen completions that became less
///     likely; ≥ 0. The paper uses 50
@CopyMethods
public record DpoVariantConfig(
        FDivergence fDivergenceType,
        @InRange double fAlphaDivergenceCoef,
        @InRange(min = 0, max = 1) OptionalDouble ldAlpha,
        boolean useWeighting,
        @InRange(min = 0, minOpen = true) double discopopTau,
        @InRange(min = 0) double dpopLambda)
        implements DpoVariantConfigCopies {
    /// The defaults, as listed at the parameters.
    public static DpoVariantConfig defaults() {
        return DpoVariantConfigCopies.blank()
                .withFDivergenceType(FDivergence.REVERSE_KL)
                .withFAlphaDivergenceCoef(0.5)
                .withDiscopopTau(0.05)
                .withDpopLambda(50);
    }
}
