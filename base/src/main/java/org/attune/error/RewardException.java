package org.attune.error;

/// Rewards said nothing about a whole round of completions, so there is nothing to learn from.
public final class RewardException extends AttuneException {
    private static final long serialVersionUID = 1L;

    public RewardException(String message) {
        super(message);
    }

    public RewardException(String message, Throwable cause) {
        super(message, cause);
    }
}
