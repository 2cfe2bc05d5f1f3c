package org.attune.trainers.ppo;

import jakarta.validation.constraints.Positive;
import jakarta.validation.constraints.PositiveOrZero;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;
import org.attune.trainers.onpolicy.GenerationConfig;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// How completions are generated for PPO, one for each prompt.
///
/// @param maxCompletionLength most tokens of a completion, TRL's `response_length`; ≥ 1
/// @param stopToken what ends a completion
/// @param stopTokenId id of the one token that ends a completion, instead of `stop_token`
/// @param temperature of sampling, and divisor of the logits in training; > 0
/// @param topP nucleus; in (0, 1], 1: all
/// @param topK likeliest tokens kept; 0: all
/// @param minP share of the likeliest token's probability that keeps a token
/// @param repetitionPenalty 1: none
/// @param generationKwargs as in [GenerationConfig]
/// @param generationSlots most sequences generated at once; a run from configuration to files takes
///     fewer where memory is short. Memory and speed only
@CopyMethods
public record PpoSamplingConfig(
        @Positive(message = "a whole number >= 1") int maxCompletionLength,
        StopToken stopToken,
        @InRange(min = 0) OptionalInt stopTokenId,
        @InRange(min = 0, minOpen = true) double temperature,
        @InRange(min = 0, minOpen = true, max = 1) double topP,
        @PositiveOrZero(message = "a whole number >= 0") int topK,
        @InRange(min = 0, max = 1) OptionalDouble minP,
        @InRange(min = 0, minOpen = true) double repetitionPenalty,
        Map<String, Object> generationKwargs,
        @Positive(message = "a whole number >= 1") int generationSlots)
        implements PpoSamplingConfigCopies, CrossChecked {
    public PpoSamplingConfig {
        generationKwargs = Map.copyOf(generationKwargs);
    }

    /// The defaults, as listed at the parameters.
    public static PpoSamplingConfig defaults() {
        return PpoSamplingConfigCopies.blank()
                .withMaxCompletionLength(53)
                .withStopToken(StopToken.EOS)
                .withTemperature(0.7)
                .withTopP(1)
                .withRepetitionPenalty(1)
                .withGenerationSlots(32);
    }

    /// The settings in the form that all methods with rollouts share.
    GenerationConfig asGeneration() {
        return GenerationConfig.once(
                maxCompletionLength,
                temperature,
                topP,
                topK,
                minP,
                repetitionPenalty,
                generationKwargs,
                generationSlots);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        return asGeneration().crossFieldProblems();
    }
}
