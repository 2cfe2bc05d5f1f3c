package org.attune.error;

/// A checkpoint can't be written, or isn't one that this run can resume from.
public final class CheckpointException extends AttuneException {
    private static final long serialVersionUID = 1L;

    public CheckpointException(String message) {
        super(message);
    }

    public CheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
