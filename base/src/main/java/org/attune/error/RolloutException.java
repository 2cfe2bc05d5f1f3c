package org.attune.error;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

/// Generation failed as a whole; a single failed row is counted, not thrown.
@Api(STABLE)
public final class RolloutException extends AttuneException {
    private static final long serialVersionUID = 1L;

    public RolloutException(String message) {
        super(message);
    }

    public RolloutException(String message, Throwable cause) {
        super(message, cause);
    }
}
