package org.attune.trainers.onpolicy;

import org.attune.trainers.config.InRange;

import java.util.OptionalInt;

/// What is shown and kept of the completions that a run generates.
///
/// @param logCompletions at every logged step, write the newest round's completions to
///     `completions/` and print some
/// @param numCompletionsToPrint how many are printed, drawn from the round; unset: all
/// @param logUniquePrompts print one completion of a prompt at most
public record CompletionLogConfig(
        boolean logCompletions,
        @InRange(min = 0) OptionalInt numCompletionsToPrint,
        boolean logUniquePrompts) {
    /// The defaults, as listed at the parameters.
    public static CompletionLogConfig defaults() {
        return new CompletionLogConfig(false, OptionalInt.empty(), false);
    }

    public CompletionLogConfig withLogCompletions(boolean logCompletions) {
        return new CompletionLogConfig(logCompletions, numCompletionsToPrint, logUniquePrompts);
    }

    public CompletionLogConfig withNumCompletionsToPrint(int numCompletionsToPrint) {
        return new CompletionLogConfig(
                logCompletions, OptionalInt.of(numCompletionsToPrint), logUniquePrompts);
    }

    public CompletionLogConfig withLogUniquePrompts(boolean logUniquePrompts) {
        return new CompletionLogConfig(logCompletions, numCompletionsToPrint, logUniquePrompts);
    }
}
