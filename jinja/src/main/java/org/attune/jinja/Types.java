package org.attune.jinja;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;

/// Python's view of a value's type.
final class Types {
    private Types() {}

    /// The name of Python's type, as messages show it.
    static String name(Object value) {
        return switch (value) {
            case null -> "NoneType";
            case Boolean _ -> "bool";
            case Long _, BigInteger _ -> "int";
            case Double _ -> "float";
            case String _ -> "str";
            case Markup _ -> "Markup";
            case Tuple _ -> "tuple";
            case Range _ -> "range";
            case List<?> _ -> "list";
            case Map<?, ?> _ -> "dict";
            case byte[] _ -> "bytes";
            case LazySequence _ -> "generator";
            case DictView view -> view.type();
            case Namespace _ -> "TemplateNamespace";
            case Undefined _ -> "Undefined";
            case LoopContext _ -> "LoopContext";
            case Macro _ -> "Macro";
            case Globals.Joiner _ -> "Joiner";
            case BoundMethod _ -> "builtin_function_or_method";
            case Invocable _ -> "function";
            default -> value.getClass().getSimpleName();
        };
    }

    /// The name of a value's type with its module in front, unless the type is one of Python's own.
    static String qualifiedName(Object value) {
        String module =
                switch (value) {
                    case Markup _ -> "markupsafe.";
                    case Undefined _, LoopContext _, Macro _ -> "jinja2.runtime.";
                    case Globals.Joiner _, Globals.Cycler _ -> "jinja2.utils.";
                    case null, default -> "";
                };
        return module + name(value);
    }

    static boolean isString(Object value) {
        return value instanceof String || value instanceof Markup;
    }

    /// Whether `value` is an int; a bool is one.
    static boolean isInteger(Object value) {
        return value instanceof Long || value instanceof BigInteger || value instanceof Boolean;
    }

    static boolean isNumber(Object value) {
        return value instanceof Double || isInteger(value);
    }

    /// `bool(value)`.
    static boolean truth(Object value) {
        return switch (value) {
            case null -> false;
            case Boolean b -> b;
            case Long n -> n != 0;
            case Double d -> d != 0;
            case String s -> !s.isEmpty();
            case Markup m -> !m.text().isEmpty();
            case List<?> l -> !l.isEmpty();
            case Map<?, ?> m -> !m.isEmpty();
            case DictView view -> !view.items().isEmpty();
            case byte[] bytes -> bytes.length > 0;
            case Undefined _ -> false;
            default -> true;
        };
    }
}
