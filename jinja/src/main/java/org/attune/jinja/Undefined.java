package org.attune.jinja;

/// A value that isn't there. Prints as nothing, is false and iterates over nothing; any other use
/// throws. The message is that of Jinja.
final class Undefined {
    private final JinjaException.Kind kind;
    private final String problem;

    private Undefined(JinjaException.Kind kind, String problem) {
        this.kind = kind;
        this.problem = problem;
    }

    static Undefined variable(String name) {
        return because(Repr.of(name) + " is undefined");
    }

    static Undefined because(String problem) {
        return new Undefined(JinjaException.Kind.UNDEFINED, problem);
    }

    /// What `owner` doesn't have.
    static Undefined member(Object owner, Object name) {
        String type = owner == null ? "None" : Types.qualifiedName(owner) + " object";
        return because(
                name instanceof String
                        ? Repr.of(type) + " has no attribute " + Repr.of(name)
                        : type + " has no element " + Repr.of(name));
    }

    /// What the sandbox hides.
    static Undefined unsafe(Object owner, String name) {
        return new Undefined(
                JinjaException.Kind.SECURITY,
                "access to attribute "
                        + Repr.of(name)
                        + " of "
                        + Repr.of(Types.name(owner))
                        + " object is unsafe.");
    }

    JinjaException failure() {
        return JinjaException.of(kind, problem);
    }

    @Override
    public String toString() {
        return "";
    }
}
