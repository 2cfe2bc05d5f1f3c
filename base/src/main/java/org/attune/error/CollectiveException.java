package org.attune.error;

/// A call between the processes of a run failed, or one of them can't take part. The message names
/// the call, what it was for, the rank and its machine.
public final class CollectiveException extends AttuneException {
    private static final long serialVersionUID = 1L;

    public CollectiveException(String message) {
        super(message);
    }

    public CollectiveException(String message, Throwable cause) {
        super(message, cause);
    }
}
