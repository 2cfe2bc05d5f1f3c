package org.attune.trainers.onpolicy;

import jakarta.validation.constraints.Positive;
import jakarta.validation.constraints.PositiveOrZero;

import org.attune.error.ConfigException;
import org.attune.records.CopyMethods;
import org.attune.rollout.constraint.Constraint;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;

/// How the tokens of completions are chosen, in all methods that generate.
///
/// @param temperature of sampling; where the loss reads what was sampled, divisor of the logits
///     there too; > 0
/// @param topP nucleus; in (0, 1], 1: all
/// @param topK likeliest tokens kept; 0: all
/// @param minP share of the likeliest token's probability that keeps a token
/// @param repetitionPenalty 1: none
/// @param generationKwargs further settings by the names of Hugging Face's `GenerationConfig`:
///     `min_new_tokens`, `stop_strings`, `presence_penalty`, `frequency_penalty`, `typical_p`
/// @param vllmStructuredOutputsRegex what every completion, or every turn of an episode, matches as
///     a whole: a token that leads to no match is never sampled. Log-probabilities stay the
///     policy's own
/// @param generationSlots most sequences generated at once; a run from configuration to files takes
///     fewer where memory is short. Memory and speed only
@CopyMethods
public record Sampling(
        @InRange(min = 0, minOpen = true) double temperature,
        @InRange(min = 0, minOpen = true, max = 1) double topP,
        @PositiveOrZero(message = "a whole number >= 0") int topK,
        @InRange(min = 0, max = 1) OptionalDouble minP,
        @InRange(min = 0, minOpen = true) double repetitionPenalty,
        Map<String, Object> generationKwargs,
        Optional<String> vllmStructuredOutputsRegex,
        @Positive(message = "a whole number >= 1") int generationSlots)
        implements SamplingCopies, CrossChecked {
    private static final Set<String> KWARGS =
            Set.of(
                    "min_new_tokens",
                    "stop_strings",
                    "presence_penalty",
                    "frequency_penalty",
                    "typical_p");

    public Sampling {
        generationKwargs = Map.copyOf(generationKwargs);
    }

    /// The model's own probabilities, 32 sequences at once.
    public static Sampling defaults() {
        return SamplingCopies.blank()
                .withTemperature(1)
                .withTopP(1)
                .withRepetitionPenalty(1)
                .withGenerationSlots(32);
    }

    /// Whether tokens are left out before one is drawn, in the words of the keys; empty: none are.
    public String truncation() {
        List<String> keys = new ArrayList<>();
        if (topK > 0) {
            keys.add("top_k: " + topK);
        }
        if (topP < 1) {
            keys.add("top_p: " + topP);
        }
        if (minP.orElse(0) > 0) {
            keys.add("min_p: " + minP.getAsDouble());
        }
        if (generationKwargs.containsKey("typical_p")) {
            keys.add("typical_p: " + generationKwargs.get("typical_p"));
        }
        return String.join(", ", keys);
    }

    /// Whether tokens that were seen before get other probabilities.
    public boolean penalises() {
        return repetitionPenalty != 1
                || generationKwargs.containsKey("presence_penalty")
                || generationKwargs.containsKey("frequency_penalty");
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
        vllmStructuredOutputsRegex.ifPresent(
                pattern -> {
                    try {
                        Constraint.regex(pattern);
                    } catch (ConfigException e) {
                        problems.add(
                                new ConfigProblem(
                                        "vllm_structured_outputs_regex",
                                        pattern,
                                        "a pattern that an automaton can match: "
                                                + e.getMessage()));
                    }
                });
        return problems;
    }
}
