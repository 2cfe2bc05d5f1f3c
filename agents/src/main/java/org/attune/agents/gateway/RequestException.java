package org.attune.agents.gateway;

/// A request that can't be answered, with what its sender reads.
public final class RequestException extends Exception {
    private static final long serialVersionUID = 1;

    private final int status;
    private final String code;

    /// @param status of HTTP
    /// @param code as OpenAI's errors have one, `context_length_exceeded` for instance
    public RequestException(int status, String code, String message) {
        super(message);
        this.status = status;
        this.code = code;
    }

    static RequestException bad(String message) {
        return new RequestException(400, "invalid_request", message);
    }

    int status() {
        return status;
    }

    String code() {
        return code;
    }
}
