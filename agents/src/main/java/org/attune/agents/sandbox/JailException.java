package org.attune.agents.sandbox;

/// A step into the jail that the kernel refused.
final class JailException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final JailStep step;

    JailException(JailStep step, String message) {
        super(message);
        this.step = step;
    }

    JailStep step() {
        return step;
    }
}
