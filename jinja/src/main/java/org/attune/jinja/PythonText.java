package org.attune.jinja;

/// Python's string functions for callers outside.
public final class PythonText {
    private PythonText() {}

    /// Removes Unicode white space at both ends (`str.strip`).
    public static String strip(String text) {
        return Strings.strip(text);
    }

    /// Removes Unicode white space at the end (`str.rstrip`).
    public static String stripEnd(String text) {
        return Strings.stripEnd(text);
    }

    /// A JSON value as Python's `repr` writes it: `{'error': "can't"}`.
    public static String repr(Object value) {
        return Repr.of(value);
    }
}
