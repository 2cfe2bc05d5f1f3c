package org.attune.text.parse.turn;

/// The text of a field isn't what its parser reads.
public final class UnreadableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// @param message what is wrong, in words for the model
    public UnreadableException(String message) {
        super(message, null, false, false);
    }
}
