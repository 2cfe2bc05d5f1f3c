package org.attune.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// A function, filter, test or method written in Java, with Python's rules for arguments.
final class Builtin implements Invocable {
    private final String name;
    private final List<String> parameters;
    private final int required;
    private final boolean anyPositional;
    private final boolean anyNamed;
    private final boolean byName;
    private final Body body;

    private Builtin(String name, List<String> parameters, Shape shape, Body body) {
        this.name = name;
        this.parameters = parameters;
        this.required = shape.required;
        this.anyPositional = shape.anyPositional;
        this.anyNamed = shape.anyNamed;
        this.byName = shape.byName;
        this.body = body;
    }

    private record Shape(int required, boolean anyPositional, boolean anyNamed, boolean byName) {}

    /// What a built-in does.
    interface Body {
        Object apply(Call call);
    }

    /// @param signature parameter names, separated by spaces; `name?` may be left out, `*` stands
    ///     for any further positional arguments and `**` for any further named ones; `/` at the
    ///     end refuses names
    static Builtin of(String name, String signature, Body body) {
        var parameters = new ArrayList<String>();
        int required = 0;
        boolean anyPositional = false;
        boolean anyNamed = false;
        boolean byName = true;
        for (String word : signature.isEmpty() ? new String[0] : signature.split(" ")) {
            if (word.equals("*")) {
                anyPositional = true;
            } else if (word.equals("**")) {
                anyNamed = true;
            } else if (word.equals("/")) {
                byName = false;
            } else {
                boolean optional = word.endsWith("?");
                required += optional ? 0 : 1;
                parameters.add(optional ? word.substring(0, word.length() - 1) : word);
            }
        }
        var shape = new Shape(required, anyPositional, anyNamed, byName);
        return new Builtin(name, parameters, shape, body);
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
            throw refused(tooMany(positional.size()));
        }
        for (int i = 0; i < byPlace; i++) {
            values[i] = positional.get(i);
        }
        Map<String, Object> further = new LinkedHashMap<>();
        arguments.named().forEach((key, value) -> bind(values, key, value, further));
        requireAll(values, positional.size());
        return body.apply(
                new Call(name, values, positional.subList(byPlace, positional.size()), further));
    }

    private void requireAll(Object[] values, int given) {
        List<String> missing =
                IntStream.range(0, required)
                        .filter(i -> values[i] instanceof Absent)
                        .mapToObj(parameters::get)
                        .toList();
        if (!missing.isEmpty()) {
            throw refused(isMethod() ? counted(given) : missing(missing));
        }
    }

    /// Whether the first argument is the object that a method belongs to. Python counts the others
    /// of a method, and all of a function.
    private boolean isMethod() {
        return !parameters.isEmpty() && parameters.getFirst().equals("self");
    }

    private JinjaException refused(String problem) {
        return JinjaException.type(name + "() " + problem);
    }

    private String tooMany(int given) {
        if (isMethod()) {
            return counted(given);
        }
        int most = parameters.size();
        boolean one = required == most && most == 1;
        return "takes %s positional argument%s but %d %s given"
                .formatted(
                        required == most ? most : "from " + required + " to " + most,
                        one ? "" : "s",
                        given,
                        given == 1 ? "was" : "were");
    }

    /// How many arguments a method takes, and how many it got.
    private String counted(int all) {
        int given = all - 1;
        int most = parameters.size() - 1;
        int least = required - 1;
        if (most == 0) {
            return "takes no arguments (" + given + " given)";
        }
        if (most == 1 && least == 1) {
            return "takes exactly one argument (" + given + " given)";
        }
        int bound = given < least ? least : most;
        return "takes at %s %d argument%s (%d given)"
                .formatted(given < least ? "least" : "most", bound, bound == 1 ? "" : "s", given);
    }

    private static String missing(List<String> names) {
        var quoted = names.stream().map(Repr::of).toList();
        String all =
                quoted.size() == 1
                        ? quoted.getFirst()
                        : String.join(", ", quoted.subList(0, quoted.size() - 1))
                                + " and "
                                + quoted.getLast();
        return "missing %d required positional argument%s: %s"
                .formatted(names.size(), names.size() == 1 ? "" : "s", all);
    }

    private void bind(Object[] values, String key, Object value, Map<String, Object> further) {
        if (!byName) {
            throw refused("takes no keyword arguments");
        }
        int index = parameters.indexOf(key);
        if (index >= 0 && values[index] instanceof Absent) {
            values[index] = value;
        } else if (index >= 0) {
            throw refused("got multiple values for argument " + Repr.of(key));
        } else if (anyNamed) {
            further.put(key, value);
        } else {
            throw isMethod()
                    ? JinjaException.type(
                            Repr.of(key) + " is an invalid keyword argument for " + name + "()")
                    : refused("got an unexpected keyword argument " + Repr.of(key));
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

        /// A dict argument.
        Map<?, ?> mapping(int i) {
            if (values[i] instanceof Map<?, ?> map) {
                return map;
            }
            throw lacking(i, "items");
        }

        /// A str argument whose lines are looked at.
        String lines(int i) {
            if (Types.isString(values[i])) {
                return text(i);
            }
            throw lacking(i, "splitlines");
        }

        /// Python's refusal of an argument: by what it needs and hasn't got.
        private JinjaException lacking(int i, String method) {
            return values[i] instanceof Undefined undefined
                    ? undefined.failure()
                    : JinjaException.type(
                            Repr.of(Types.name(values[i]))
                                    + " object has no attribute "
                                    + Repr.of(method));
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
