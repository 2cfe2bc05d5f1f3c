package org.attune.error;

/// A server refused a request, or still failed at the last attempt.
public final class ServerException extends AttuneException {
    private static final long serialVersionUID = 1L;

    private final int refusal;

    public ServerException(String message) {
        this(message, 0);
    }

    /// @param refusal HTTP status with which the server refused the request, so that nothing is
    ///     gained by asking again; 0 where it failed otherwise
    public ServerException(String message, int refusal) {
        super(message);
        this.refusal = refusal;
    }

    public ServerException(String message, Throwable cause) {
        super(message, cause);
        this.refusal = 0;
    }

    /// The HTTP status with which the server refused the request; 0 if it was down, too busy or
    /// too slow.
    public int refusal() {
        return refusal;
    }
}
