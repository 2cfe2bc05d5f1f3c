package org.attune.reward;

/// What a program answered holds no rewards, or says that it failed. The message is made for
/// people.
public final class RewardAnswerException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    public RewardAnswerException(String message) {
        super(message);
    }
}
