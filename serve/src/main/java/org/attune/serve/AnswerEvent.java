package org.attune.serve;

import org.attune.error.RolloutException;
import org.attune.rollout.StopReason;
import org.attune.rollout.TopTokens;

import java.util.Optional;

/// What happens to one answer of a request while it is generated.
sealed interface AnswerEvent {
    /// Number of the answer, from 0.
    int choice();

    /// A token was sampled.
    ///
    /// @param text that became sure by it, often empty
    /// @param token the text of this token alone; empty if a character needs the next ones too
    /// @param logProb under the model itself
    /// @param top likeliest tokens in its place
    record Token(int choice, int id, String text, String token, float logProb, TopTokens top)
            implements AnswerEvent {}

    /// The answer is complete.
    ///
    /// @param text that was held back
    /// @param end the text of the token that ended it, which is no part of the answer; else empty
    /// @param stop the text that ended it, if one of the request did
    record End(int choice, String text, String end, StopReason reason, Optional<String> stop)
            implements AnswerEvent {}

    /// The answer failed.
    record Failure(int choice, RolloutException why) implements AnswerEvent {}
}
