package org.attune.trainers.rows;

import org.attune.policy.Scorer;
import org.attune.trainers.config.ReferenceKind;
import org.attune.trainers.config.ReferencedConfig;
import org.attune.trainers.loop.ReferenceSync;

import java.nio.file.Path;
import java.util.Optional;

/// The model that a policy is held to.
///
/// @param scorer the policy with its adapter off, a frozen copy of the start adapter, or another
///     model; it must not change with the policy but when it is told to. Borrowed
/// @param kind which of these it is
/// @param precomputed whether it is asked about all rows once, before training
/// @param cache folder that runs share the answers in; empty: a folder of the user's cache
/// @param sync when it follows the policy; empty: never
public record FrozenModel(
        Scorer scorer,
        ReferenceKind kind,
        boolean precomputed,
        Optional<Path> cache,
        Optional<ReferenceSync> sync) {
    /// The reference of a configuration.
    public static FrozenModel of(ReferencedConfig config, Scorer scorer) {
        return new FrozenModel(
                scorer,
                config.referenceKind(),
                config.precomputesReference(),
                config.reference().precomputeRefCacheDir(),
                ReferenceSync.of(config.reference().sync(), scorer));
    }
}
