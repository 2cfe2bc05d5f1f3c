package org.attune.rollout.source;

import java.io.IOException;

/// A server answers with more than an answer may have.
final class AnswerTooLargeException extends IOException {
    private static final long serialVersionUID = 1L;

    /// @param limit bytes that are accepted
    AnswerTooLargeException(long limit) {
        super(
                "answers with more than %d KiB, the most that a completion of max_completion_length tokens is given"
                        .formatted(limit >> 10));
    }
}
