package org.attune.error;

/// Tensors don't fit together; the message names the operator, the shapes and the dtypes.
public final class ShapeException extends AttuneException {
    private static final long serialVersionUID = 1L;

    public ShapeException(String message) {
        super(message);
    }

    public ShapeException(String message, Throwable cause) {
        super(message, cause);
    }
}
