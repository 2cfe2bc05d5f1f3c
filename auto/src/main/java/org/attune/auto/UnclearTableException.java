package org.attune.auto;

import org.attune.error.AttuneException;

/// A table whose columns may mean several things. Nothing is trained on a guess.
public final class UnclearTableException extends AttuneException {
    private static final long serialVersionUID = 1L;

    /// @param message why, and options that would settle it
    UnclearTableException(String message) {
        super(message);
    }
}
