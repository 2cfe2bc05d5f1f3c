package org.attune.trainers.config;

import java.util.Optional;
import java.util.OptionalInt;

/// What the policy is compared with, and how its log-probabilities are had.
///
/// @param reference unset: `model` if `ref_model_name_or_path` is given or the whole model is
///     trained, `adapter_off` for a fresh adapter, `start_adapter` for a given one
/// @param refModelNameOrPath model of the reference where it is a separate one
/// @param precomputeRefLogProbs compute the reference's log-probabilities once, before training
/// @param precomputeRefBatchSize rows at once while precomputing; unset:
///     `per_device_train_batch_size`
public record ReferenceConfig(
        Optional<ReferenceKind> reference,
        Optional<String> refModelNameOrPath,
        boolean precomputeRefLogProbs,
        @InRange(min = 1) OptionalInt precomputeRefBatchSize) {
    /// The defaults, as listed at the parameters.
    public static ReferenceConfig defaults() {
        return new ReferenceConfig(Optional.empty(), Optional.empty(), false, OptionalInt.empty());
    }

    public ReferenceConfig withReference(ReferenceKind reference) {
        return new ReferenceConfig(
                Optional.of(reference),
                refModelNameOrPath,
                precomputeRefLogProbs,
                precomputeRefBatchSize);
    }

    public ReferenceConfig withRefModelNameOrPath(String refModelNameOrPath) {
        return new ReferenceConfig(
                reference,
                Optional.of(refModelNameOrPath),
                precomputeRefLogProbs,
                precomputeRefBatchSize);
    }

    public ReferenceConfig withPrecomputeRefLogProbs(boolean precomputeRefLogProbs) {
        return new ReferenceConfig(
                reference, refModelNameOrPath, precomputeRefLogProbs, precomputeRefBatchSize);
    }

    public ReferenceConfig withPrecomputeRefBatchSize(int precomputeRefBatchSize) {
        return new ReferenceConfig(
                reference,
                refModelNameOrPath,
                precomputeRefLogProbs,
                OptionalInt.of(precomputeRefBatchSize));
    }
}
