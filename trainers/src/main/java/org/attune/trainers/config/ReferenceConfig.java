package org.attune.trainers.config;

import jakarta.validation.Valid;

import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What the policy is compared with, and how its log-probabilities are had.
///
/// @param reference unset: `model` if `ref_model_name_or_path` is given or the whole model is
///     trained, `adapter_off` for a fresh adapter, `start_adapter` for a given one
/// @param refModelNameOrPath model of the reference where it is a separate one
/// @param precomputeRefLogProbs compute the reference's log-probabilities once, before training
/// @param precomputeRefCacheDir folder of these log-probabilities, which runs share; unset: a
///     folder of the user's cache
/// @param sync whether it follows the policy
@CopyMethods
public record ReferenceConfig(
        Optional<ReferenceKind> reference,
        Optional<String> refModelNameOrPath,
        boolean precomputeRefLogProbs,
        Optional<Path> precomputeRefCacheDir,
        @Valid RefSyncConfig sync)
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
        if (model.adapterNameOrPath().isPresent() || lora.mendsBase()) {
            return ReferenceKind.START_ADAPTER;
        }
        return lora.usePeft() ? ReferenceKind.ADAPTER_OFF : ReferenceKind.MODEL;
    }

    /// Whether the reference scores all rows once, before training.
    public boolean precomputes() {
        return precomputeRefLogProbs || reference.equals(Optional.of(ReferenceKind.PRECOMPUTED));
    }

    /// Values that don't fit what is trained.
    public List<ConfigProblem> problems(ModelConfig model, LoraSettings lora) {
        var problems = new ArrayList<ConfigProblem>();
        boolean adapter = lora.usePeft() || model.adapterNameOrPath().isPresent();
        boolean needsAdapter = is(ReferenceKind.ADAPTER_OFF) || is(ReferenceKind.START_ADAPTER);
        if (!adapter && needsAdapter) {
            problems.add(
                    new ConfigProblem(
                            "reference",
                            reference.orElseThrow(),
                            "model or precomputed, since the whole model is trained (use_peft:"
                                    + " false)"));
        }
        if (sync.syncRefModel() && lora.lisaNLayers().isPresent()) {
            problems.add(
                    new ConfigProblem(
                            "lisa_n_layers",
                            lora.lisaNLayers().getAsInt(),
                            "none with sync_ref_model: true, since a reference that follows needs"
                                    + " the float32 numbers of all blocks; set sync_ref_model:"
                                    + " false"));
        }
        if (sync.syncRefModel()) {
            unmovable(model, adapter)
                    .ifPresent(why -> problems.add(new ConfigProblem("sync_ref_model", true, why)));
        }
        return problems;
    }

    private boolean is(ReferenceKind kind) {
        return reference.equals(Optional.of(kind));
    }

    /// Why the reference can't follow the policy.
    private Optional<String> unmovable(ModelConfig model, boolean adapter) {
        if (precomputes()) {
            return Optional.of(
                    "false where the reference is precomputed, since its log-probabilities would"
                            + " be those of a reference that has moved on; set"
                            + " precompute_ref_log_probs: false");
        }
        if (adapter && refModelNameOrPath.isPresent()) {
            return Optional.of(
                    "false with an adapter and ref_model_name_or_path, since an adapter's matrices"
                            + " can't be mixed with a model's weights; leave ref_model_name_or_path"
                            + " out, and the reference is a copy of the adapter");
        }
        if (model.adapterNameOrPath().isPresent() && is(ReferenceKind.ADAPTER_OFF)) {
            return Optional.of(
                    "false with a given adapter and reference: adapter_off, since the base model"
                            + " has no adapter whose matrices could be mixed; set reference:"
                            + " start_adapter");
        }
        return Optional.empty();
    }
}
