package org.attune.jinja;

/// One token of a template.
///
/// @param type  what it is
/// @param value template data as it prints, a name, a string without its quotes, a number's digits,
///     or an operator
/// @param line  from 1
record Token(Type type, String value, int line) {
    enum Type {
        DATA("template data / text"),
        VARIABLE_BEGIN("begin of print statement"),
        VARIABLE_END("end of print statement"),
        BLOCK_BEGIN("begin of statement block"),
        BLOCK_END("end of statement block"),
        NAME("name"),
        STRING("string"),
        INTEGER("integer"),
        FLOAT("float"),
        OPERATOR("operator"),
        END("end of template");

        private final String description;

        Type(String description) {
            this.description = description;
        }
    }

    boolean is(Type wanted) {
        return type == wanted;
    }

    boolean isName(String name) {
        return type == Type.NAME && value.equals(name);
    }

    boolean isOperator(String operator) {
        return type == Type.OPERATOR && value.equals(operator);
    }

    /// How messages call it.
    String described() {
        return switch (type) {
            case NAME, OPERATOR -> value;
            default -> type.description;
        };
    }

    static String described(Type type) {
        return type.description;
    }
}
