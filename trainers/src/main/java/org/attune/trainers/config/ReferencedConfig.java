package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.List;
import java.util.Optional;

/// The configuration of a method that holds the policy to a frozen reference, row by row.
@Api(EXPERIMENTAL)
public interface ReferencedConfig extends RunConfig {
    /// Reference.
    ReferenceConfig reference();

    /// Whether this run has a reference.
    default boolean hasReference() {
        return true;
    }

    /// Whether whole distributions of the reference are compared, not only those of targets.
    default boolean comparesDistributions() {
        return false;
    }

    /// What scores for the reference: the configured kind, or the default for this kind of run;
    /// never `PRECOMPUTED`, which only says when it scores ([#precomputesReference()]).
    default ReferenceKind referenceKind() {
        return reference().kind(model(), lora());
    }

    /// Whether the reference scores all rows once, before training.
    default boolean precomputesReference() {
        return reference().precomputes();
    }

    @Override
    default List<Optional<String>> inputs() {
        return List.of(model().adapterNameOrPath(), reference().refModelNameOrPath());
    }
}
