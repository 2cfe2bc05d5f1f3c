package org.attune.json;

import org.attune.error.AttuneException;

/// A text is not the JSON it should be.
public final class JsonException extends AttuneException {
    private static final long serialVersionUID = 1L;

    private final String problem;
    private final int line;
    private final int column;

    JsonException(String problem, int line, int column) {
        super("line " + line + ", column " + column + ": " + problem);
        this.problem = problem;
        this.line = line;
        this.column = column;
    }

    /// What is wrong, without the position.
    public String problem() {
        return problem;
    }

    /// Line within the parsed text, from 1; lines end in `\n`.
    public int line() {
        return line;
    }

    /// Column within the line in characters (code points), from 1.
    public int column() {
        return column;
    }
}
