package org.attune.error;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

/// Base of everything Attune throws for reasons a user can act on. The message says what was wrong,
/// the value, where it stands, what is accepted and what to do.
@Api(STABLE)
public class AttuneException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public AttuneException(String message) {
        super(message);
    }

    public AttuneException(String message, Throwable cause) {
        super(message, cause);
    }
}
