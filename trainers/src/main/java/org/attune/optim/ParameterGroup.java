package org.attune.optim;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.policy.ParameterSpace.Parameter;

import java.util.OptionalDouble;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/// Parameters with other settings than the rest.
///
/// @param name for messages
/// @param members which they are
/// @param rateFactor factor on the learning rate; unset: 1
/// @param weightDecay of all of them, biases and norms too; unset: as without the group
/// @param required whether it is an error if there are none
@Api(EXPERIMENTAL)
public record ParameterGroup(
        String name,
        Predicate<Parameter> members,
        OptionalDouble rateFactor,
        OptionalDouble weightDecay,
        boolean required) {
    /// Parameters whose names have a part that the pattern matches.
    ///
    /// @param rateFactor as in the record
    /// @param weightDecay as in the record
    public static ParameterGroup named(
            Pattern pattern, OptionalDouble rateFactor, OptionalDouble weightDecay) {
        return new ParameterGroup(
                pattern.pattern(),
                parameter -> pattern.matcher(parameter.name()).find(),
                rateFactor,
                weightDecay,
                true);
    }

    /// The B of LoRA pairs of layers, with biases and norms, as PEFT does it for LoRA+
    /// ([Hayou et al. 2024](https://arxiv.org/abs/2402.12354)).
    ///
    /// @param ratio of their learning rate to A's
    public static ParameterGroup loraB(double ratio) {
        return new ParameterGroup(
                "lora_B",
                parameter -> parameter.name().contains("lora_B") || parameter.shape().length == 1,
                OptionalDouble.of(ratio),
                OptionalDouble.empty(),
                false);
    }

    /// The LoRA pairs of embeddings.
    ///
    /// @param rateFactor of their learning rate to that of others
    public static ParameterGroup loraEmbedding(double rateFactor) {
        return new ParameterGroup(
                "lora_embedding",
                parameter -> parameter.name().contains("lora_embedding_"),
                OptionalDouble.of(rateFactor),
                OptionalDouble.empty(),
                false);
    }

    boolean matches(Parameter parameter) {
        return members.test(parameter);
    }
}
