package org.attune.error;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

/// A model, adapter or tokenizer file is missing, damaged, or of a kind Attune doesn't support.
@Api(STABLE)
public final class ModelException extends AttuneException {
    private static final long serialVersionUID = 1L;

    public ModelException(String message) {
        super(message);
    }

    public ModelException(String message, Throwable cause) {
        super(message, cause);
    }
}
