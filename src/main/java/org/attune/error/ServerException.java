package org.attune.error;

/// A server refused a request, or still failed at the last attempt.
public final class ServerException extends AttuneException {
    private static final long serialVersionUID = 1L;

    public ServerException(String message) {
        super(message);
    }

    public ServerException(String message, Throwable cause) {
        super(message, cause);
    }
}
