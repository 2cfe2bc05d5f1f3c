package org.attune.episode;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;
import org.attune.text.parse.ToolCall;

/// A call of a tool with its outcome.
///
/// @param call as the model asked for it
/// @param kind how it ended
/// @param text what the model reads, already shortened where it was too long
/// @param nanos how long it took
@Api(STABLE)
public record ToolOutcome(ToolCall call, Kind kind, String text, long nanos) {
    /// What came of a call.
    public enum Kind {
        /// The tool answered.
        OK,
        /// The tool answered, and the episode ends.
        FINAL,
        /// The tool refused, as wrong input or a rule of the environment.
        REFUSED,
        /// No tool has this name.
        UNKNOWN_TOOL,
        /// The arguments don't fit the tool's schema.
        BAD_ARGUMENTS,
        /// The tool needed too long, and says that this is the model's doing.
        TIMED_OUT,
        /// The call was not run, because a budget was used up.
        NOT_RUN;

        /// Whether the outcome counts as a failure of the model's.
        public boolean isError() {
            return this != OK && this != FINAL && this != NOT_RUN;
        }
    }
}
