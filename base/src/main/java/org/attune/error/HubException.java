package org.attune.error;

/// The Hub, or the cache of what came from it, hasn't what was asked for.
public final class HubException extends AttuneException {
    private static final long serialVersionUID = 1L;

    public HubException(String message) {
        super(message);
    }

    public HubException(String message, Throwable cause) {
        super(message, cause);
    }
}
