package org.attune.trainers.online;

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

/// How completions are generated, two for each prompt.
///
/// @param maxNewTokens most tokens of a completion; ≥ 1
/// @param temperature of sampling; the loss does not use it, as in TRL; > 0
/// @param topP nucleus; in (0, 1], 1: all
/// @param topK likeliest tokens kept; 0: all
/// @param minP share of the likeliest token's probability that keeps a token
/// @param repetitionPenalty 1: none
/// @param generationKwargs as in [GenerationConfig]
/// @param generationSlots most sequences generated at once; a run from configuration to files takes
///     fewer where memory is short. Memory and speed only
@CopyMethods
public record OnlineSamplingConfig(
        @Positive(message = "a whole number >= 1") int maxNewTokens,
        @InRange(min = 0, minOpen = true) double temperature,
        @InRange(min = 0, minOpen = true, max = 1) double topP,
        @PositiveOrZero(message = "a whole number >= 0") int topK,
        @InRange(min = 0, max = 1) OptionalDouble minP,
        @InRange(min = 0, minOpen = true) double repetitionPenalty,
        Map<String, Object> generationKwargs,
        @Positive(message = "a whole number >= 1") int generationSlots)
        implements OnlineSamplingConfigCopies, CrossChecked {
    public OnlineSamplingConfig {
        generationKwargs = Map.copyOf(generationKwargs);
    }

    /// The defaults, as listed at the parameters.
    public static OnlineSamplingConfig defaults() {
        return OnlineSamplingConfigCopies.blank()
                .withMaxNewTokens(64)
                .withTemperature(0.9)
                .withTopP(1)
                .withRepetitionPenalty(1)
                .withGenerationSlots(32);
    }

    /// The settings in the form that all methods with rollouts share; a prompt counts once.
    GenerationConfig asGeneration() {
        return GenerationConfig.once(
                maxNewTokens,
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
