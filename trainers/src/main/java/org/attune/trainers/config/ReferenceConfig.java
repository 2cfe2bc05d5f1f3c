package org.attune.trainers.config;

import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;

import java.util.List;
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
@CopyMethods
public record ReferenceConfig(
        Optional<ReferenceKind> reference,
        Optional<String> refModelNameOrPath,
        boolean precomputeRefLogProbs,
        @InRange(min = 1) OptionalInt precomputeRefBatchSize)
        implements ReferenceConfigCopies {
    /// The defaults, as listed at the parameters.
    public static ReferenceConfig defaults() {
        return ReferenceConfigCopies.blank();
    }

    /// What scores for the reference: the configured kind, or the default for this kind of run;
    /// never `PRECOMPUTED`, which only says when it scores.
    public ReferenceKind kind(ModelConfig model, LoraSettings lora) {
        ReferenceKind given = reference.orElse(ReferenceKind.PRECOMPUTED);
        if (given != ReferenceKind.PRECOMPUTED) {
            return given;
        }
        if (refModelNameOrPath.isPresent()) {
            return ReferenceKind.MODEL;
        }
        if (model.adapterNameOrPath().isPresent()) {
            return ReferenceKind.START_ADAPTER;
        }
        return lora.usePeft() ? ReferenceKind.ADAPTER_OFF : ReferenceKind.MODEL;
    }

    /// Whether the reference scores all rows once, before training.
    public boolean precomputes() {
        return precomputeRefLogProbs || reference.equals(Optional.of(ReferenceKind.PRECOMPUTED));
    }

    /// Values that don't fit a run that trains the whole model.
    public List<ConfigProblem> problems(ModelConfig model, LoraSettings lora) {
        boolean adapter = lora.usePeft() || model.adapterNameOrPath().isPresent();
        boolean needsAdapter =
                reference.equals(Optional.of(ReferenceKind.ADAPTER_OFF))
                        || reference.equals(Optional.of(ReferenceKind.START_ADAPTER));
        if (adapter || !needsAdapter) {
            return List.of();
        }
        return List.of(
                new ConfigProblem(
                        "reference",
                        reference.get(),
                        "model or precomputed, since the whole model is trained (use_peft:"
                                + " false)"));
    }
}
