package org.attune.agents.calculator;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;

/// The functions of the calculator, by name.
final class Functions {
    private static final int MOST_FACTORIAL = 1000;

    /// Takes as many values as it needs.
    interface Formula {
        Value of(List<Value> values);
    }

    static final Map<String, Value> CONSTANTS =
            Map.of("pi", Value.of(Math.PI), "e", Value.of(Math.E));

    static final Map<String, Formula> ALL = all();

    private Functions() {}

    private static Map<String, Formula> all() {
        var all = new TreeMap<String, Formula>();
        one(all, "sqrt", Functions::squareRoot);
        one(all, "abs", v -> v.compare(Value.ZERO) < 0 ? v.negated() : v);
        one(all, "floor", Value::floor);
        one(all, "ceil", v -> v.negated().floor().negated());
        one(all, "factorial", Functions::factorial);
        near(all, "exp", Math::exp);
        near(all, "ln", Math::log);
        near(all, "log10", Math::log10);
        near(all, "log2", x -> Math.log(x) / Math.log(2));
        near(all, "sin", Math::sin);
        near(all, "cos", Math::cos);
        near(all, "tan", Math::tan);
        near(all, "asin", Math::asin);
        near(all, "acos", Math::acos);
        near(all, "atan", Math::atan);
        all.put("log", Functions::logarithm);
        all.put("round", Functions::round);
        all.put("min", values -> least(1, values));
        all.put("max", values -> least(-1, values));
        all.put("sum", values -> values.stream().reduce(Value.ZERO, Value::plus));
        all.put("gcd", values -> wholes("gcd", values).reduce(BigInteger.ZERO, BigInteger::gcd));
        all.put("lcm", values -> wholes("lcm", values).reduce(BigInteger.ONE, Functions::multiple));
        all.put("comb", Functions::combinations);
        return all;
    }

    private static void one(Map<String, Formula> all, String name, Function<Value, Value> formula) {
        all.put(name, values -> formula.apply(count(name, values, 1).getFirst()));
    }

    private static void near(Map<String, Formula> all, String name, DoubleUnaryOperator formula) {
        one(
                all,
                name,
                v -> {
                    double result = formula.applyAsDouble(v.approximate());
                    if (Double.isNaN(result)) {
                        throw new IllegalArgumentException(
                                "%s of %s is no real number".formatted(name, v.text()));
                    }
                    return Value.of(result);
                });
    }

    private static List<Value> count(String name, List<Value> values, int count) {
        if (values.size() != count) {
            throw new IllegalArgumentException(
                    "%s takes %d value%s, got %d"
                            .formatted(name, count, count == 1 ? "" : "s", values.size()));
        }
        return values;
    }

    private static Value squareRoot(Value value) {
        if (value.compare(Value.ZERO) < 0) {
            throw new IllegalArgumentException("sqrt of a negative number, " + value.text());
        }
        if (value instanceof Value.Exact exact) {
            BigInteger above = exact.above().sqrt();
            BigInteger below = exact.below().sqrt();
            if (above.pow(2).equals(exact.above()) && below.pow(2).equals(exact.below())) {
                return Value.fraction(above, below);
            }
        }
        return Value.of(Math.sqrt(value.approximate()));
    }

    static Value factorial(Value value) {
        BigInteger n = value.whole("a factorial");
        if (n.signum() < 0 || n.bitLength() > 31 || n.intValue() > MOST_FACTORIAL) {
            throw new IllegalArgumentException(
                    "a factorial needs a number from 0 to %d, got %s".formatted(MOST_FACTORIAL, n));
        }
        BigInteger product = BigInteger.ONE;
        for (int i = 2; i <= n.intValue(); i++) {
            product = product.multiply(BigInteger.valueOf(i));
        }
        return Value.of(product);
    }

    /// Logarithm to base 10, or to the second value.
    private static Value logarithm(List<Value> values) {
        if (values.size() == 1) {
            return ALL.get("log10").of(values);
        }
        count("log", values, 2);
        Formula natural = ALL.get("ln");
        return natural.of(values.subList(0, 1)).over(natural.of(values.subList(1, 2)));
    }

    /// To whole numbers, or so many digits behind the point; a half goes away from zero.
    private static Value round(List<Value> values) {
        if (values.size() == 1) {
            return rounded(values.getFirst());
        }
        BigInteger digits = count("round", values, 2).get(1).whole("round");
        Value shift = Value.of(BigInteger.TEN).power(Value.of(digits));
        return rounded(values.getFirst().times(shift)).over(shift);
    }

    private static Value rounded(Value value) {
        Value half = Value.fraction(BigInteger.ONE, BigInteger.TWO);
        return value.compare(Value.ZERO) < 0
                ? value.negated().plus(half).floor().negated()
                : value.plus(half).floor();
    }

    private static Value least(int sign, List<Value> values) {
        return values.stream()
                .min((a, b) -> sign * a.compare(b))
                .orElseThrow(() -> new IllegalArgumentException("min and max need values"));
    }

    private static Whole wholes(String name, List<Value> values) {
        return (start, join) -> {
            BigInteger result = start;
            for (Value value : values) {
                result = join.apply(result, value.whole(name));
            }
            return Value.of(result);
        };
    }

    /// Joins whole numbers.
    private interface Whole {
        Value reduce(BigInteger start, BinaryOperator<BigInteger> join);
    }

    private static BigInteger multiple(BigInteger a, BigInteger b) {
        return a.signum() == 0 || b.signum() == 0
                ? BigInteger.ZERO
                : a.divide(a.gcd(b)).multiply(b).abs();
    }

    private static Value combinations(List<Value> values) {
        count("comb", values, 2);
        BigInteger n = values.get(0).whole("comb");
        BigInteger k = values.get(1).whole("comb");
        if (k.signum() < 0 || k.compareTo(n) > 0) {
            return Value.ZERO;
        }
        Value below = factorial(values.get(1)).times(factorial(Value.of(n.subtract(k))));
        return factorial(values.get(0)).over(below);
    }
}
