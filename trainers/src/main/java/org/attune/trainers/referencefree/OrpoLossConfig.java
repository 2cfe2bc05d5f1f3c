package org.attune.trainers.referencefree;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

/// The objective of ORPO.
///
/// @param beta weight of the odds ratio's loss beside the negative log-likelihood, the paper's λ; >
///     0
@CopyMethods
public record OrpoLossConfig(@InRange(min = 0, minOpen = true) double beta)
        implements OrpoLossConfigCopies {
    /// The defaults, as listed at the parameters.
    public static OrpoLossConfig defaults() {
        return OrpoLossConfigCopies.blank().withBeta(0.1);
    }
}
