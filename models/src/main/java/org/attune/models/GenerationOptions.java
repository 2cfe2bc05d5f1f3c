package org.attune.models;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.model.config.GenerationDefaults;
import org.attune.records.CopyMethods;
import org.attune.rollout.generation.TextCompleter;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;

import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// How text is generated. What is unset follows the model's `generation_config.json`. Names and
/// meanings are those of Hugging Face's `GenerationConfig`; [SamplingConfig] has their ranges.
///
/// @param maxNewTokens most tokens of an answer, 256 by default
/// @param temperature 0 takes the likeliest token; unset: the model's if it samples, else 0
/// @param topK number of likeliest tokens to choose among; unset: the model's, else all
/// @param topP share of probability to choose within; unset: the model's, else 1
/// @param minP least share of the likeliest token's probability, 0 by default
/// @param repetitionPenalty divisor for tokens seen before; unset: the model's, else 1
/// @param stopStrings texts that end an answer
/// @param seed of all draws, 42 by default
@Api(EXPERIMENTAL)
@CopyMethods
public record GenerationOptions(
        int maxNewTokens,
        OptionalDouble temperature,
        OptionalInt topK,
        OptionalDouble topP,
        double minP,
        OptionalDouble repetitionPenalty,
        List<String> stopStrings,
        long seed)
        implements GenerationOptionsCopies {
    public GenerationOptions {
        stopStrings = List.copyOf(stopStrings);
    }

    /// The defaults, as listed at the parameters.
    public static GenerationOptions defaults() {
        return GenerationOptionsCopies.blank().withMaxNewTokens(256).withSeed(42);
    }

    /// The sampling for a model, with its recommendations in place of what is unset, and with the
    /// tokens that end its answers.
    ///
    /// @throws org.attune.error.ConfigException if a value is outside its range; names all of them
    public SamplingConfig of(ModelSetup model) {
        return SamplingConfig.of(
                        distribution(model.source().generation()),
                        maxNewTokens,
                        TextCompleter.stopIds(model.source(), model.text().tokenizer()),
                        seed)
                .withStopStrings(stopStrings);
    }

    private Distribution distribution(GenerationDefaults recommended) {
        boolean samples = recommended.doSample();
        double modelTemperature = samples ? recommended.temperature().orElse(1) : 0;
        int modelTopK = samples ? recommended.topK().orElse(0) : 0;
        double modelTopP = samples ? recommended.topP().orElse(1) : 1;
        return Distribution.plain()
                .withTemperature(temperature.orElse(modelTemperature))
                .withTopK(topK.orElse(modelTopK))
                .withTopP(topP.orElse(modelTopP))
                .withMinP(minP)
                .withRepetitionPenalty(
                        repetitionPenalty.orElse(recommended.repetitionPenalty().orElse(1)));
    }
}
