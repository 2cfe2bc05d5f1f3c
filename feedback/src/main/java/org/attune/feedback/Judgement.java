package org.attune.feedback;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// What a user thinks of an answer.
///
/// @param id of the response
/// @param choice number of the answer in its response, from 0
/// @param user who judges; empty: the user who asked
/// @param opinion what is thought
/// @param note the user's own words, or empty
@Api(EXPERIMENTAL)
public record Judgement(String id, int choice, String user, Opinion opinion, String note) {
    /// A judgement of a response with one answer, by the user who asked.
    public static Judgement of(String id, Opinion opinion) {
        return new Judgement(id, 0, "", opinion, "");
    }

    /// What is thought of an answer.
    public sealed interface Opinion {}

    /// Good or bad.
    public record Thumb(boolean isUp) implements Opinion {}

    /// A number from 0, the worst, to 1, the best.
    public record Score(double value) implements Opinion {
        public Score {
            if (!(value >= 0 && value <= 1)) {
                throw new IllegalArgumentException(
                        "a score is %s; accepted: 0 to 1, so divide stars by five"
                                .formatted(value));
            }
        }
    }

    /// Better than another answer to the same conversation.
    public record BetterThan(String id, int choice) implements Opinion {}

    /// What the answer should have been.
    public record Corrected(String text) implements Opinion {
        public Corrected {
            if (text.isBlank()) {
                throw new IllegalArgumentException("a corrected answer is empty");
            }
        }
    }
}
