package org.attune.jinja;

import org.attune.jinja.Builtin.Call;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/// Functions that every template can call.
final class Globals {
    private Globals() {}

    /// A scope with the functions that every template can call.
    static Scope scope(Clock clock) {
        var scope = new Scope(null);
        define(scope, "range", "start stop? step?", Globals::range);
        define(scope, "dict", "* **", Globals::dict);
        define(scope, "namespace", "* **", Globals::namespace);
        define(scope, "joiner", "sep?", c -> new Joiner(c.text(0, ", ")));
        define(scope, "cycler", "*", c -> new Cycler(c.more()));
        define(scope, "lipsum", "* **", c -> unsupported(c));
        define(scope, "raise_exception", "message", c -> raise(c));
        define(
                scope,
                "strftime_now",
                "format",
                c -> Strftime.format(ZonedDateTime.now(clock), c.text(0)));
        scope.set("self", new Namespace());
        return scope;
    }

    private static void define(Scope scope, String name, String parameters, Builtin.Body body) {
        scope.set(name, Builtin.of(name, parameters, body));
    }

    private static Object raise(Call c) {
        throw JinjaException.of(JinjaException.Kind.RAISED, c.soft(0));
    }

    private static Object unsupported(Call c) {
        throw JinjaException.value(c.name() + "() isn't supported in chat templates");
    }

    private static Object range(Call c) {
        long step = c.integer(2, 1);
        if (step == 0) {
            throw JinjaException.value("range() arg 3 must not be zero");
        }
        return c.has(1)
                ? new Range(required(c, 0), required(c, 1), step)
                : new Range(0, required(c, 0), step);
    }

    private static long required(Call c, int i) {
        return switch (c.get(i)) {
            case Undefined undefined -> throw undefined.failure();
            case null ->
                    throw JinjaException.type(
                            "'NoneType' object cannot be interpreted as an integer");
            default -> c.integer(i, 0);
        };
    }

    private static Object dict(Call c) {
        var dict = new Dict();
        fill(c, dict::put);
        return dict;
    }

    private static Object namespace(Call c) {
        var namespace = new Namespace();
        fill(c, (key, value) -> namespace.set(Repr.text(key), value));
        return namespace;
    }

    /// Goes through `dict`'s arguments: a mapping or pairs, then named values.
    private static void fill(Call c, BiConsumer<Object, Object> put) {
        if (c.more().size() > 1) {
            throw JinjaException.type("dict expected at most 1 argument, got " + c.more().size());
        }
        for (Object source : c.more()) {
            if (source instanceof Map<?, ?> map) {
                Budget.items(2.0 * map.size());
                map.forEach(put);
                continue;
            }
            if (source instanceof Undefined undefined) {
                throw undefined.failure();
            }
            int index = 0;
            for (Object pair : Sequences.list(source)) {
                Budget.charge(4);
                List<Object> both = pair(pair, index++);
                put.accept(both.get(0), both.get(1));
            }
        }
        c.named().forEach(put);
    }

    private static List<Object> pair(Object value, int index) {
        String element = "dictionary update sequence element #" + index;
        if (!Sequences.isIterable(value)) {
            throw JinjaException.type("cannot convert " + element + " to a sequence");
        }
        List<Object> both = Sequences.list(value);
        if (both.size() != 2) {
            throw JinjaException.value(element + " has length " + both.size() + "; 2 is required");
        }
        return both;
    }

    /// Gives nothing the first time and its separator ever after.
    static final class Joiner implements Invocable {
        private final String separator;
        private boolean used;

        Joiner(String separator) {
            this.separator = separator;
        }

        @Override
        public String name() {
            return "joiner";
        }

        @Override
        public Object call(Arguments arguments) {
            String result = used ? separator : "";
            used = true;
            return result;
        }
    }

    /// Gives its values in turn.
    static final class Cycler implements HasAttributes {
        private final List<Object> values;
        private int position;

        Cycler(List<Object> values) {
            if (values.isEmpty()) {
                throw JinjaException.type("at least one item has to be provided");
            }
            this.values = values;
        }

        @Override
        public Object attribute(String name) {
            return switch (name) {
                case "current" -> values.get(position);
                case "next" -> Builtin.of("next", "", _ -> advance());
                case "reset" -> Builtin.of("reset", "", _ -> reset());
                default -> Absent.ABSENT;
            };
        }

        private Object advance() {
            Object current = values.get(position);
            position = (position + 1) % values.size();
            return current;
        }

        private Object reset() {
            position = 0;
            return null;
        }
    }
}
