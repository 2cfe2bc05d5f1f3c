package org.attune.jinja;

/// A template can't be compiled or rendered.
public final class JinjaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Kind kind;
    private final String problem;
    private final int line;

    private JinjaException(Kind kind, String problem, int line, Throwable cause) {
        super(line > 0 ? "line " + line + ": " + problem : problem, cause);
        this.kind = kind;
        this.problem = problem;
        this.line = line;
    }

    static JinjaException of(Kind kind, String problem) {
        return new JinjaException(kind, problem, 0, null);
    }

    static JinjaException type(String problem) {
        return of(Kind.TYPE, problem);
    }

    static JinjaException value(String problem) {
        return of(Kind.VALUE, problem);
    }

    static JinjaException syntax(String problem, int line) {
        return new JinjaException(Kind.SYNTAX, problem, line, null);
    }

    static JinjaException limit(String problem) {
        return of(Kind.LIMIT, problem);
    }

    /// Adds the line where the error happened, unless that is known already.
    JinjaException atLine(int where) {
        return line > 0 ? this : new JinjaException(kind, problem, where, this);
    }

    public Kind kind() {
        return kind;
    }

    /// What is wrong, without the position.
    public String problem() {
        return problem;
    }

    /// Line of the template, from 1; 0 if unknown.
    public int line() {
        return line;
    }

    /// What went wrong.
    public enum Kind {
        /// Not a template: bad syntax, unknown tag, filter or test. Found when compiling.
        SYNTAX,
        /// The template itself refused its input (`raise_exception`).
        RAISED,
        /// Something that isn't there was used as if it were.
        UNDEFINED,
        /// An operation doesn't go with a value of this type.
        TYPE,
        /// An operation doesn't go with this value.
        VALUE,
        /// The sandbox forbids it: changing a list, private attributes …
        SECURITY,
        /// Rendering would take too much time or memory; see [Limits].
        LIMIT
    }
}
