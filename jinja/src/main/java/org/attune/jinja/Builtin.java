package org.attune.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A function, filter, test or method written in Java, with Python's rules for arguments.
final class Builtin implements Invocable {
    private final String name;
    private final List<String> parameters;
    private final int required;
    private final boolean anyPositional;
    private final boolean anyNamed;
    private final Body body;

    private Builtin(String name, List<String> parameters, Shape shape, Body body) {
        this.name = name;
        this.parameters = parameters;
        this.required = shape.required;
        this.anyPositional = shape.anyPositional;
        this.anyNamed = shape.anyNamed;
        this.body = body;
    }

    private record Shape(int required, boolean anyPositional, boolean anyNamed) {}

    /// What a built-in does.
    interface Body {
        Object apply(Call call);
    }

    /// @param signature parameter names, separated by spaces; `name?` may be left out, `*` stands
    ///     for any further positional arguments and `**` for any further named ones
    static Builtin of(String name, String signature, Body body) {
        var parameters = new ArrayList<String>();
        int required = 0;
        boolean anyPositional = false;
        boolean anyNamed = false;
        for (String word : signature.isEmpty() ? new String[0] : signature.split(" ")) {
            if (word.equals("*")) {
                anyPositional = true;
            } else if (word.equals("**")) {
                anyNamed = true;
            } else {
                boolean optional = word.endsWith("?");
                required += optional ? 0 : 1;
                parameters.add(optional ? word.substring(0, word.length() - 1) : word);
            }
        }
        return new Builtin(name, parameters, new Shape(required, anyPositional, anyNamed), body);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Object call(Arguments arguments) {
        Object[] values = new Object[parameters.size()];
        java.util.Arrays.fill(values, Absent.ABSENT);
        List<Object> positional = arguments.positional();
        int byPlace = Math.min(positional.size(), values.length);
        if (positional.size() > values.length && !anyPositional) {
            throw JinjaException.type(
                    name
                            + "() takes "
                            + values.length
                            + " positional arguments but "
                            + positional.size()
                            + " were given");
        }
        for (int i = 0; i < byPlace; i++) {
            values[i] = positional.get(i);
        }
        Map<String, Object> further = new LinkedHashMap<>();
        arguments.named().forEach((key, value) -> bind(values, key, value, further));
        for (int i = 0; i < required; i++) {
            if (values[i] instanceof Absent) {
                throw JinjaException.type(
                        name
                                + "() missing 1 required positional argument: "
                                + Repr.of(parameters.get(i)));
            }
        }
        return body.apply(
                new Call(name, values, positional.subList(byPlace, positional.size()), further));
    }

    private void bind(Object[] values, String key, Object value, Map<String, Object> further) {
        int index = parameters.indexOf(key);
        if (index >= 0 && values[index] instanceof Absent) {
            values[index] = value;
        } else if (index >= 0) {
            throw JinjaException.type(name + "() got multiple values for argument " + Repr.of(key));
        } else if (anyNamed) {
            further.put(key, value);
        } else {
            throw JinjaException.type(
                    name + "() got an unexpected keyword argument " + Repr.of(key));
        }
    }

    /// Arguments in the order of the parameters.
    ///
    /// @param values     one per parameter
    /// @param more       further positional arguments
    /// @param named      further named arguments
    record Call(String name, Object[] values, List<Object> more, Map<String, Object> named) {
        boolean has(int i) {
            return !(values[i] instanceof Absent);
        }

        Object get(int i) {
            return values[i];
        }

        Object get(int i, Object ifAbsent) {
            return has(i) ? values[i] : ifAbsent;
        }

        /// A str argument.
        String text(int i) {
            if (!Types.isString(values[i])) {
                throw JinjaException.type(
                        name + "() argument must be str, not " + Types.name(values[i]));
            }
            return Repr.text(values[i]);
        }

        /// A str argument; `ifAbsent` if it is left out or None.
        String text(int i, String ifAbsent) {
            return has(i) && values[i] != null ? text(i) : ifAbsent;
        }

        /// The argument as text, whatever it is.
        String soft(int i) {
            return Repr.text(values[i]);
        }

        /// An int argument; `ifAbsent` if it is left out or None.
        long integer(int i, long ifAbsent) {
            return switch (get(i, null)) {
                case null -> ifAbsent;
                case Long n -> n;
                case Boolean b -> b ? 1 : 0;
                default ->
                        throw JinjaException.type(
                                Repr.of(Types.name(values[i]))
                                        + " object cannot be interpreted as an integer");
            };
        }

        /// An int argument that may be left out, but not None.
        long whole(int i, long ifAbsent) {
            if (has(i) && get(i, null) == null) {
                throw JinjaException.type("'NoneType' object cannot be interpreted as an integer");
            }
            return integer(i, ifAbsent);
        }

        /// A truth that Python asks an int or a bool for.
        boolean whether(int i) {
            return whole(i, 0) != 0;
        }

        boolean truth(int i, boolean ifAbsent) {
            return has(i) ? Types.truth(values[i]) : ifAbsent;
        }
    }
}
