package org.attune.agents.tool;

/// Arguments don't fit a tool's schema.
final class MisfitException extends Exception {
    private static final long serialVersionUID = 1L;

    /// @param message for the model
    MisfitException(String message) {
        super(message, null, false, false); // a model's mistake, not a place in the program
    }
}
