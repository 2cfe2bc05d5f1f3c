package org.attune.trainers.rows;

import org.attune.policy.Scorer;
import org.attune.trainers.config.ReferenceKind;
import org.attune.trainers.config.ReferencedConfig;

/// The frozen model that a policy is held to.
///
/// @param scorer the policy with its adapter off, a frozen copy of the start adapter, or another
///     model; it must not change with the policy. Borrowed
/// @param kind which of these it is
/// @param precomputed whether it is asked about all rows once, before training
public record FrozenModel(Scorer scorer, ReferenceKind kind, boolean precomputed) {
    /// The reference of a configuration.
    public static FrozenModel of(ReferencedConfig config, Scorer scorer) {
        return new FrozenModel(scorer, config.referenceKind(), config.precomputesReference());
    }
}
