package org.attune.reward;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// Completions that a function gave no usable reward, by cause. They count as "no reward", as if
/// the function didn't apply.
///
/// @param function its name
/// @param count completions concerned
/// @param firstCompletion the lowest index among them
/// @param example what happened there, in one line
@Api(EXPERIMENTAL)
public record RewardFailure(
        String function, Kind kind, int count, int firstCompletion, String example) {
    /// What went wrong.
    public enum Kind {
        THREW("threw an exception"),
        TIMED_OUT("took longer than the time limit"),
        RETURNED_NULL("returned null"),
        NOT_FINITE("returned NaN or an infinite number"),
        UNANSWERED("got no usable answer"),
        SWITCHED_OFF("is switched off");

        private final String text;

        Kind(String text) {
            this.text = text;
        }

        /// The kind as the end of a sentence that begins with the function's name.
        public String text() {
            return text;
        }
    }

    @Override
    public String toString() {
        return "reward \"%s\" %s for %d completions, the first is number %d: %s"
                .formatted(function, kind.text(), count, firstCompletion, example);
    }
}
