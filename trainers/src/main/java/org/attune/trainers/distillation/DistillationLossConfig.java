package org.attune.trainers.distillation;

import org.attune.policy.Divergence;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.Optional;

/// The objective of on-policy distillation.
///
/// @param distillationObjective what is minimised
/// @param beta β of `jsd`, from forward (0) to reverse (1) divergence; in [0, 1]
/// @param iwOpdGamma γ of `iw_opd`, by how much the first token counts more than one at the end
/// @param iwOpdEpsilon least sum of differences that weights of `iw_opd` are divided by
/// @param disableDropout whether the adapter's own dropout is off
@CopyMethods
public record DistillationLossConfig(
        Objective distillationObjective,
        @InRange(min = 0, max = 1) double beta,
        @InRange(min = 0) double iwOpdGamma,
        @InRange(min = 0, minOpen = true) double iwOpdEpsilon,
        boolean disableDropout)
        implements DistillationLossConfigCopies {
    /// What is minimised.
    public enum Objective {
        /// A divergence of whole distributions.
        JSD,
        /// The reverse divergence on the tokens that were written, earlier ones weighted more:
        /// [PrefixWeights].
        IW_OPD
    }

    /// The defaults, as listed at the parameters.
    public static DistillationLossConfig defaults() {
        return DistillationLossConfigCopies.blank()
                .withDistillationObjective(Objective.JSD)
                .withBeta(1)
                .withIwOpdGamma(0.5)
                .withIwOpdEpsilon(1e-8);
    }

    /// The divergence; empty where the tokens that were written are compared alone.
    Optional<Divergence> divergence() {
        return distillationObjective == Objective.JSD
                ? Optional.of(Divergence.of(beta))
                : Optional.empty();
    }

    /// The weights of tokens, where they have some.
    Optional<PrefixWeights> weights() {
        return distillationObjective == Objective.IW_OPD
                ? Optional.of(new PrefixWeights(iwOpdGamma, iwOpdEpsilon))
                : Optional.empty();
    }
}
