package org.attune.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Jinja's tests: what may stand after `is`.
final class Tests {
    private static final Map<String, Builtin> TESTS = new HashMap<>();

    private Tests() {}

    /// A yes-or-no question about argument 0.
    private interface Question {
        boolean ask(Builtin.Call call);
    }

    static boolean exists(String name) {
        return TESTS.containsKey(name);
    }

    /// @param arguments the tested value and the test's arguments
    static boolean apply(String name, Arguments arguments) {
        Builtin test = TESTS.get(name);
        if (test == null) {
            throw JinjaException.of(
                    JinjaException.Kind.SYNTAX, "No test named " + Repr.of(name) + " found.");
        }
        Budget.charge(1);
        return Types.truth(test.call(arguments));
    }

    private static void test(String name, String parameters, Question question) {
        TESTS.put(name, Builtin.of(name, ("value " + parameters).strip(), question::ask));
    }

    /// What may be a name: a list isn't looked up, as it isn't in Python.
    private static String name(Builtin.Call c) {
        Object value = c.get(0);
        boolean unhashable =
                switch (value) {
                    case Map<?, ?> _ -> true;
                    case DictView view -> !Types.name(view).equals("dict_values");
                    case Tuple _, Range _ -> false;
                    case List<?> _ -> true;
                    case null, default -> false;
                };
        if (unhashable) {
            throw JinjaException.type("unhashable type: " + Repr.of(Types.name(value)));
        }
        return c.soft(0);
    }

    private static void comparison(String operator, String... names) {
        for (String name : names) {
            test(name, "other", c -> JinjaOperators.compare(operator, c.get(0), c.get(1)));
        }
    }

    static {
        test("defined", "", c -> !(c.get(0) instanceof Undefined));
        test("undefined", "", c -> c.get(0) instanceof Undefined);
        test("none", "", c -> c.get(0) == null);
        test("boolean", "", c -> c.get(0) instanceof Boolean);
        test("true", "", c -> Boolean.TRUE.equals(c.get(0)));
        test("false", "", c -> Boolean.FALSE.equals(c.get(0)));
        test("string", "", c -> Types.isString(c.get(0)));
        test("number", "", c -> Types.isNumber(c.get(0)));
        test("integer", "", c -> Types.isInteger(c.get(0)) && !(c.get(0) instanceof Boolean));
        test("float", "", c -> c.get(0) instanceof Double);
        test("mapping", "", c -> c.get(0) instanceof Map<?, ?>);
        test("iterable", "", c -> Sequences.isIterable(c.get(0)));
        test("sequence", "", Tests::isSequence);
        test("callable", "", c -> c.get(0) instanceof Invocable || c.get(0) instanceof Undefined);
        test("escaped", "", c -> c.get(0) instanceof Markup);
        test("odd", "", c -> leaves(c, 1));
        test("even", "", c -> leaves(c, 0));
        test(
                "divisibleby",
                "num",
                c -> JinjaOperators.equal(JinjaOperators.arithmetic("%", c.get(0), c.get(1)), 0L));
        test("lower", "", c -> Strings.isCased(c.soft(0), false));
        test("upper", "", c -> Strings.isCased(c.soft(0), true));
        test("sameas", "other", Tests::isSame);
        test("filter", "", c -> Filters.exists(name(c)));
        test("test", "", c -> exists(name(c)));
        test("in", "seq", c -> JinjaOperators.contains(c.get(1), c.get(0)));
        comparison("==", "==", "eq", "equalto");
        comparison("!=", "!=", "ne");
        comparison("<", "<", "lt", "lessthan");
        comparison("<=", "<=", "le");
        comparison(">", ">", "gt", "greaterthan");
        comparison(">=", ">=", "ge");
    }

    private static boolean leaves(Builtin.Call call, long rest) {
        return JinjaOperators.equal(JinjaOperators.arithmetic("%", call.get(0), 2L), rest);
    }

    private static boolean isSequence(Builtin.Call call) {
        Object value = call.get(0);
        return Types.isString(value)
                || value instanceof List<?>
                || value instanceof Map<?, ?>
                || value instanceof Undefined;
    }

    /// Identity. Java knows none of small numbers and strings, so equal ones of a type count.
    @SuppressWarnings("ReferenceEquality")
    private static boolean isSame(Builtin.Call call) {
        Object a = call.get(0);
        Object b = call.get(1);
        boolean plain = a instanceof Boolean || a instanceof Long || a instanceof String;
        Budget.text(a);
        return a == b || plain && a.equals(b);
    }
}
