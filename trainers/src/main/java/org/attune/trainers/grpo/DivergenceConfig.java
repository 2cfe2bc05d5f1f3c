package org.attune.trainers.grpo;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.OptionalDouble;

/// How the losses `dppo` and `fipo` read how far the policy has moved. Names and defaults are those
/// of TRL's experimental `DPPOConfig` and of ms-swift.
///
/// @param divergenceType `dppo`: what `epsilon` and `epsilon_high` bound
/// @param clipRatioC `dppo`: largest ratio by which a token is weighted
/// @param fipoDecayRate `fipo`: tokens after which a later token counts half
/// @param fipoClipRange `fipo`: how far weights may be from 1; 0: as far as they are
/// @param fipoClipHighOnly `fipo`: whether no weight is below 1
/// @param fipoSafetyThreshold `fipo`: ratio above which a worse completion's tokens weigh between
///     0.8 and 1; unset: none
@CopyMethods
public record DivergenceConfig(
        PolicyDivergence divergenceType,
        @InRange(min = 0, minOpen = true) double clipRatioC,
        @InRange(min = 0, minOpen = true) double fipoDecayRate,
        @InRange(min = 0) double fipoClipRange,
        boolean fipoClipHighOnly,
        @InRange(min = 0, minOpen = true) OptionalDouble fipoSafetyThreshold)
        implements DivergenceConfigCopies {
    /// The defaults, as listed at the parameters.
    public static DivergenceConfig defaults() {
        return DivergenceConfigCopies.blank()
                .withDivergenceType(PolicyDivergence.BINARY_TV)
                .withClipRatioC(20)
                .withFipoDecayRate(32)
                .withFipoClipRange(0.2)
                .withFipoClipHighOnly(true)
                .withFipoSafetyThreshold(4);
    }
}
