package org.attune.trainers.onpolicy;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
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
@CopyMethods
public record RolloutReferenceConfig(
        Optional<ReferenceKind> reference, Optional<String> refModelNameOrPath)
        implements RolloutReferenceConfigCopies, CrossChecked {
    /// The defaults, as listed at the parameters.
    public static RolloutReferenceConfig defaults() {
        return RolloutReferenceConfigCopies.blank();
    }

    /// The same as a setting of the offline methods.
    public ReferenceConfig asReference() {
        ReferenceConfig plain = ReferenceConfig.defaults();
        plain = reference.map(plain::withReference).orElse(plain);
        return refModelNameOrPath.map(plain::withRefModelNameOrPath).orElse(plain);
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
