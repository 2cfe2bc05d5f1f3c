package org.attune.trainers.onpolicy;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.OptionalInt;

/// What is shown and kept of the completions that a run generates.
///
/// @param logCompletions at every logged step, write the newest round's completions to
///     `completions/` and print some
/// @param numCompletionsToPrint how many are printed, drawn from the round; unset: all
/// @param logUniquePrompts print one completion of a prompt at most
@CopyMethods
public record CompletionLogConfig(
        boolean logCompletions,
        @InRange(min = 0) OptionalInt numCompletionsToPrint,
        boolean logUniquePrompts)
        implements CompletionLogConfigCopies {
    /// The defaults, as listed at the parameters.
    public static CompletionLogConfig defaults() {
        return CompletionLogConfigCopies.blank();
    }
}
