package org.attune.reward;

/// A reward's program or service didn't answer: trying the completions one by one is of no use.
public final class RewardUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public RewardUnavailableException(String message) {
        super(message);
    }

    public RewardUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
