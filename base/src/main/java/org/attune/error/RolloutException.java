package org.attune.error;

/// Generation failed as a whole; a single failed row is counted, not thrown.
public final class RolloutException extends AttuneException {
    private static final long serialVersionUID = 1L;

    public RolloutException(String message) {
        super(message);
    }

    public RolloutException(String message, Throwable cause) {
        super(message, cause);
    }
}
