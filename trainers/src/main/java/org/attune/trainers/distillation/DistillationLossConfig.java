package org.attune.trainers.distillation;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

/// The objective of on-policy distillation.
///
/// @param beta β, from forward (0) to reverse (1) divergence; in [0, 1]
/// @param disableDropout whether the adapter's own dropout is off
@CopyMethods
public record DistillationLossConfig(@InRange(min = 0, max = 1) double beta, boolean disableDropout)
        implements DistillationLossConfigCopies {
    /// The defaults, as listed at the parameters.
    public static DistillationLossConfig defaults() {
        return DistillationLossConfigCopies.blank().withBeta(1);
    }
}
