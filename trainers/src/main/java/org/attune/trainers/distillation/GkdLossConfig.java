package org.attune.trainers.distillation;

import jakarta.validation.constraints.Positive;
import jakarta.validation.constraints.PositiveOrZero;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

/// Generalised knowledge distillation, TRL's `GKDConfig`.
///
/// @param temperature of sampling completions; the loss does not use it, as in TRL; > 0
/// @param lmbda λ, share of micro-batches whose completions the student writes; in [0, 1]
/// @param beta β, from forward (0) to reverse (1) divergence; in [0, 1]
/// @param maxNewTokens most tokens of a completion that is generated; ≥ 1
/// @param topP nucleus of sampling completions; in (0, 1], 1: all tokens
/// @param topK likeliest tokens of sampling completions; 0: all
/// @param numGenerations how often a row stands in a step, one behind the other; ≥ 1
/// @param disableDropout whether the adapter's own dropout is off
/// @param seqKd whether the teacher writes the completions of the other micro-batches
/// @param teacherLogprobsFromRows whether rows hold what the teacher said, as `attune sample` with
///     `top_logprobs` writes them; then no teacher is loaded
/// @param trlCompat divide by the tokens of the given completions, also where others are learned
///     from, and show the template messages alone, no tools; with `use_uld_loss` add the
///     micro-batches' means up
/// @param generationSlots most sequences generated at once; a run from configuration to files takes
///     fewer where memory is short. Memory and speed only
@CopyMethods
public record GkdLossConfig(
        @InRange(min = 0, minOpen = true) double temperature,
        @InRange(min = 0, max = 1) double lmbda,
        @InRange(min = 0, max = 1) double beta,
        @Positive(message = "a whole number >= 1") int maxNewTokens,
        @InRange(min = 0, minOpen = true, max = 1) double topP,
        @PositiveOrZero(message = "a whole number >= 0") int topK,
        @Positive(message = "a whole number >= 1") int numGenerations,
        boolean disableDropout,
        boolean seqKd,
        boolean teacherLogprobsFromRows,
        boolean trlCompat,
        @Positive(message = "a whole number >= 1") int generationSlots)
        implements GkdLossConfigCopies {
    /// The defaults, as listed at the parameters.
    public static GkdLossConfig defaults() {
        return GkdLossConfigCopies.blank()
                .withTemperature(0.9)
                .withLmbda(0.5)
                .withBeta(0.5)
                .withMaxNewTokens(128)
                .withTopP(1)
                .withNumGenerations(1)
                .withDisableDropout(true)
                .withGenerationSlots(32);
    }

    /// Whether anything is generated.
    boolean generates() {
        return lmbda > 0 || seqKd;
    }
}
