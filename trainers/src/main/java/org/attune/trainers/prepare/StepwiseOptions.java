package org.attune.trainers.prepare;

import org.attune.error.ConfigException;

import java.util.OptionalInt;

/// How judged solutions become tokens.
///
/// @param separator stands behind every step, TRL's `step_separator`
/// @param lastStepOnly whether only the last step is learnt, TRL's `train_on_last_step_only`
/// @param maxLength tokens of prompt and steps, ≥ 1; what is beyond is cut off. Empty = no limit
/// @param maxCompletionLength the same of the steps alone
public record StepwiseOptions(
        String separator,
        boolean lastStepOnly,
        OptionalInt maxLength,
        OptionalInt maxCompletionLength) {
    /// @throws ConfigException if a limit is below 1
    public StepwiseOptions {
        requirePositive("max_length", maxLength);
        requirePositive("max_completion_length", maxCompletionLength);
    }

    private static void requirePositive(String key, OptionalInt limit) {
        if (limit.isPresent() && limit.getAsInt() < 1) {
            throw new ConfigException(key + " must be at least 1, got " + limit.getAsInt());
        }
    }

    /// Options by which every step is learnt, as held-out rows are judged.
    public StepwiseOptions ofAllSteps() {
        return new StepwiseOptions(separator, false, maxLength, maxCompletionLength);
    }
}
