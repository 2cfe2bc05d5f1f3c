package org.attune.trainers.samples;

import jakarta.validation.constraints.Positive;
import jakarta.validation.constraints.PositiveOrZero;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;
import org.attune.trainers.onpolicy.GenerationConfig;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// How completions are generated; names and meanings are GRPO's.
///
/// @param numGenerations completions of a prompt; ≥ 1
/// @param maxCompletionLength most tokens of a completion; ≥ 1
/// @param temperature of sampling; 0: the likeliest token
/// @param topP nucleus; in (0, 1], 1: all
/// @param topK likeliest tokens kept; 0: all
/// @param minP share of the likeliest token's probability that keeps a token
/// @param repetitionPenalty 1: none
/// @param generationKwargs as in GRPO
/// @param generationSlots most sequences generated at once
/// @param seed of all draws
@CopyMethods
public record SampleGenerationConfig(
        @Positive(message = "a whole number >= 1") int numGenerations,
        @Positive(message = "a whole number >= 1") int maxCompletionLength,
        @InRange(min = 0) double temperature,
        @InRange(min = 0, minOpen = true, max = 1) double topP,
        @PositiveOrZero(message = "a whole number >= 0") int topK,
        @InRange(min = 0, max = 1) OptionalDouble minP,
        @InRange(min = 0, minOpen = true) double repetitionPenalty,
        Map<String, Object> generationKwargs,
        @Positive(message = "a whole number >= 1") int generationSlots,
        long seed)
        implements SampleGenerationConfigCopies, CrossChecked {
    public SampleGenerationConfig {
        generationKwargs = Map.copyOf(generationKwargs);
    }

    /// The defaults, as listed at the parameters.
    public static SampleGenerationConfig defaults() {
        GenerationConfig grpo = GenerationConfig.defaults();
        return SampleGenerationConfigCopies.blank()
                .withNumGenerations(grpo.numGenerations())
                .withMaxCompletionLength(grpo.maxCompletionLength())
                .withTemperature(1)
                .withTopP(1)
                .withRepetitionPenalty(1)
                .withGenerationSlots(grpo.generationSlots())
                .withSeed(42);
    }

    /// The settings in the form of a run that trains.
    GenerationConfig asGeneration() {
        GenerationConfig same =
                GenerationConfig.defaults()
                        .withNumGenerations(numGenerations)
                        .withMaxCompletionLength(maxCompletionLength)
                        .withTemperature(temperature)
                        .withTopP(topP)
                        .withTopK(topK)
                        .withRepetitionPenalty(repetitionPenalty)
                        .withGenerationKwargs(generationKwargs)
                        .withGenerationSlots(generationSlots);
        return minP.isPresent() ? same.withMinP(minP.getAsDouble()) : same;
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(asGeneration().crossFieldProblems());
        if (temperature == 0 && numGenerations > 1) {
            problems.add(
                    new ConfigProblem(
                            "num_generations",
                            numGenerations,
                            "1 with temperature: 0, at which all would be alike"));
        }
        return problems;
    }
}
