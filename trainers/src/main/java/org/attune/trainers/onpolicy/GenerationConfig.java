package org.attune.trainers.onpolicy;

import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Positive;
import jakarta.validation.constraints.PositiveOrZero;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/// How completions are generated in training.
///
/// @param numGenerations completions of a prompt, a group; ≥ 2
/// @param maxCompletionLength most tokens of a completion; ≥ 1
/// @param temperature of sampling, and divisor of the logits in training; > 0
/// @param topP nucleus; in (0, 1], 1: all
/// @param topK likeliest tokens kept; 0: all
/// @param minP share of the likeliest token's probability that keeps a token
/// @param repetitionPenalty 1: none
/// @param generationKwargs further settings by the names of Hugging Face's `GenerationConfig`:
///     `min_new_tokens`, `stop_strings`, `presence_penalty`, `frequency_penalty`, `typical_p`
/// @param generationBatchSize completions of a round; unset: what `steps_per_generation` makes
/// @param stepsPerGeneration micro-batches of a round; unset: `gradient_accumulation_steps`
/// @param numIterations times that a round is used; ≥ 1
/// @param generationSlots most sequences generated at once; a run from configuration to files takes
///     fewer where memory is short. Memory and speed only
/// @param reuseRolloutActivations whether what generation computes serves as the forward pass,
///     where a step uses up its round, nothing is dropped, sequences are short and memory suffices.
///     Memory, speed and rounding only
@CopyMethods
public record GenerationConfig(
        @Min(value = 2, message = "a whole number >= 2") int numGenerations,
        @Positive(message = "a whole number >= 1") int maxCompletionLength,
        @InRange(min = 0, minOpen = true) double temperature,
        @InRange(min = 0, minOpen = true, max = 1) double topP,
        @PositiveOrZero(message = "a whole number >= 0") int topK,
        @InRange(min = 0, max = 1) OptionalDouble minP,
        @InRange(min = 0, minOpen = true) double repetitionPenalty,
        Map<String, Object> generationKwargs,
        @InRange(min = 1) OptionalInt generationBatchSize,
        @InRange(min = 1) OptionalInt stepsPerGeneration,
        @Positive(message = "a whole number >= 1") int numIterations,
        @Positive(message = "a whole number >= 1") int generationSlots,
        boolean reuseRolloutActivations)
        implements GenerationConfigCopies, CrossChecked {
    private static final Set<String> KWARGS =
            Set.of(
                    "min_new_tokens",
                    "stop_strings",
                    "presence_penalty",
                    "frequency_penalty",
                    "typical_p");

    public GenerationConfig {
        generationKwargs = Map.copyOf(generationKwargs);
    }

    /// The defaults, as listed at the parameters.
    public static GenerationConfig defaults() {
        return GenerationConfigCopies.blank()
                .withNumGenerations(8)
                .withMaxCompletionLength(512)
                .withTemperature(1)
                .withTopP(1)
                .withRepetitionPenalty(1)
                .withNumIterations(1)
                .withGenerationSlots(32)
                .withReuseRolloutActivations(true);
    }

    /// For methods that complete each prompt once and use a round once: how tokens are sampled is
    /// all that they configure.
    public static GenerationConfig once(
            int maxCompletionLength,
            double temperature,
            double topP,
            int topK,
            OptionalDouble minP,
            double repetitionPenalty,
            Map<String, Object> generationKwargs,
            int generationSlots) {
        return new GenerationConfig(
                1,
                maxCompletionLength,
                temperature,
                topP,
                topK,
                minP,
                repetitionPenalty,
                generationKwargs,
                OptionalInt.empty(),
                OptionalInt.empty(),
                1,
                generationSlots,
                false);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        List<ConfigProblem> problems = new ArrayList<>();
        generationKwargs.forEach(
                (key, value) -> {
                    if (!KWARGS.contains(key)) {
                        problems.add(
                                new ConfigProblem(
                                        "generation_kwargs",
                                        key + ": " + value,
                                        "only "
                                                + new TreeSet<>(KWARGS)
                                                + "; the others are separate keys"));
                    }
                });
        return problems;
    }
}
