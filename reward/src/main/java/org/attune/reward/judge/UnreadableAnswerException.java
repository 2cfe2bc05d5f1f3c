package org.attune.reward.judge;

/// A judge answered, but gave no score that can be used.
final class UnreadableAnswerException extends Exception {
    private static final long serialVersionUID = 1L;

    UnreadableAnswerException(String message) {
        super(message);
    }
}
