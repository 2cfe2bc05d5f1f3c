package org.attune.error;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

/// A data set or one of its rows can't be used; the message starts with file:line or names the row.
@Api(STABLE)
public final class DatasetException extends AttuneException {
    private static final long serialVersionUID = 1L;

    public DatasetException(String message) {
        super(message);
    }

    public DatasetException(String message, Throwable cause) {
        super(message, cause);
    }
}
