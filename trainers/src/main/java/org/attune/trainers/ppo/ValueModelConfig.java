package org.attune.trainers.ppo;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.Optional;
import java.util.OptionalDouble;

/// The critic.
///
/// @param valueModel what it is
/// @param valueModelPath model or adapter that scores sequences, a reward model say, to start from;
///     unset: `reward_model_path` for a separate critic if that is given, else the policy's model
///     with a new head
/// @param valueUsePeft whether a separate critic is trained through an adapter, of the policy's
///     settings; unset: as `use_peft`
/// @param valueLearningRate of the critic; ≥ 0; unset: `learning_rate`
@CopyMethods
public record ValueModelConfig(
        ValueModelKind valueModel,
        Optional<String> valueModelPath,
        Optional<Boolean> valueUsePeft,
        @InRange(min = 0) OptionalDouble valueLearningRate)
        implements ValueModelConfigCopies {
    /// The defaults, as listed at the parameters.
    public static ValueModelConfig defaults() {
        return ValueModelConfigCopies.blank().withValueModel(ValueModelKind.SEPARATE);
    }
}
