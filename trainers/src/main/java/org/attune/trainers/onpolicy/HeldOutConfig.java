package org.attune.trainers.onpolicy;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// How held-out prompts are completed; what isn't said here is as in training.
///
/// @param numGenerationsEval completions of a held-out prompt, ≥ 1; unset: `num_generations`, or
///     1 where `eval_temperature` is 0
/// @param evalTemperature of sampling, ≥ 0; 0 takes the likeliest token; unset: `temperature`
@CopyMethods
public record HeldOutConfig(
        @InRange(min = 1) OptionalInt numGenerationsEval,
        @InRange(min = 0) OptionalDouble evalTemperature)
        implements HeldOutConfigCopies, CrossChecked {
    /// The defaults, as listed at the parameters.
    public static HeldOutConfig defaults() {
        return HeldOutConfigCopies.blank();
    }

    /// Completions of a held-out prompt.
    public int generations(GeneratingRun training) {
        return isGreedy() ? 1 : numGenerationsEval.orElse(training.numGenerations());
    }

    /// Temperature of evaluations.
    public double temperature(GeneratingRun training) {
        return evalTemperature.orElse(training.sampling().temperature());
    }

    private boolean isGreedy() {
        return evalTemperature.isPresent() && evalTemperature.getAsDouble() == 0;
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        return isGreedy() && numGenerationsEval.orElse(1) != 1
                ? List.of(
                        new ConfigProblem(
                                "num_generations_eval",
                                numGenerationsEval.getAsInt(),
                                "1 or unset where eval_temperature is 0: the likeliest completion"
                                        + " is always the same one"))
                : List.of();
    }
}
