package org.attune.trainers.onpolicy;

import jakarta.validation.Valid;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.RefSyncConfig;
import org.attune.trainers.config.ReferenceConfig;
import org.attune.trainers.config.ReferenceKind;

import java.util.List;
import java.util.Optional;

/// What the KL term of a method with rollouts pulls to. Its completions are new each time, so
/// nothing can be computed beforehand.
///
/// @param reference unset: `model` if `ref_model_name_or_path` is given or the whole model is
///     trained, `adapter_off` for a fresh adapter, `start_adapter` for a given one
/// @param refModelNameOrPath model of the reference where it is a separate one
/// @param sync whether it follows the policy
@CopyMethods
public record RolloutReferenceConfig(
        Optional<ReferenceKind> reference,
        Optional<String> refModelNameOrPath,
        @Valid RefSyncConfig sync)
        implements RolloutReferenceConfigCopies, CrossChecked {
    /// The defaults, as listed at the parameters.
    public static RolloutReferenceConfig defaults() {
        return RolloutReferenceConfigCopies.blank();
    }

    /// The reference as a setting of the offline methods.
    public ReferenceConfig asReference() {
        ReferenceConfig plain = ReferenceConfig.defaults().withSync(sync);
        plain = reference.map(plain::withReference).orElse(plain);
        return refModelNameOrPath.map(plain::withRefModelNameOrPath).orElse(plain);
    }

    /// A reference that isn't asked has nothing to follow.
    ///
    /// @param key of the coefficient
    /// @param coefficient of the divergence; 0: it doesn't count
    public List<ConfigProblem> needsCoefficient(String key, double coefficient) {
        return sync.syncRefModel() && coefficient == 0
                ? List.of(
                        new ConfigProblem(
                                "sync_ref_model",
                                true,
                                "false where %s is 0, since there is no reference then"
                                        .formatted(key)))
                : List.of();
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        return reference.equals(Optional.of(ReferenceKind.PRECOMPUTED))
                ? List.of(
                        new ConfigProblem(
                                "reference",
                                ReferenceKind.PRECOMPUTED,
                                "adapter_off, start_adapter or model"))
                : List.of();
    }
}
