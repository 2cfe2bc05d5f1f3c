package org.attune.error;

/// A loss or gradient is not finite. Weights are still those of the last good step.
public final class TrainingDivergedException extends AttuneException {
    private static final long serialVersionUID = 1L;

    public TrainingDivergedException(String message) {
        super(message);
    }

    public TrainingDivergedException(String message, Throwable cause) {
        super(message, cause);
    }
}
