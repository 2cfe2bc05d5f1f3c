package org.attune.reward.builtin;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;

/// An expression by its values, one for each of a few choices of its letters. Expressions that
/// agree in all of them are equal, but for chance.
///
/// @param values  for each choice
/// @param form    how it was written, as far as comparisons ask for it
/// @param letters that it depends on
record MathTerm(List<Complex> values, Form form, Set<String> letters) implements MathValue {
    /// Choices of letters.
    static final int CHOICES = 3;

    private static final double SAME = 1e-10;
    private static final double MILLION = 1e6;

    /// How a term was written.
    sealed interface Form {
        /// A whole number or a fraction of such, in lowest terms.
        record Exact(BigInteger top, BigInteger bottom) implements Form {
            boolean isWhole() {
                return bottom.equals(BigInteger.ONE);
            }

            @Override
            public String toString() {
                return isWhole() ? top.toString() : top + "/" + bottom;
            }
        }

        /// A number with a point.
        record Decimal() implements Form {}

        /// A number with a percent sign.
        record Percent(Form number) implements Form {}

        /// One letter or name, small.
        record Symbol(String name) implements Form {}

        /// Letters side by side, small.
        record Letters(String name) implements Form {}

        /// Anything else.
        ///
        /// @param ofSymbols whether names and operations are all there is in it
        record Other(boolean ofSymbols) implements Form {}
    }

    static MathTerm whole(long value) {
        return exact(BigInteger.valueOf(value), BigInteger.ONE);
    }

    /// @param bottom not zero
    static MathTerm exact(BigInteger top, BigInteger bottom) {
        BigInteger common = top.gcd(bottom);
        if (bottom.signum() < 0) {
            common = common.negate();
        }
        BigInteger p = common.signum() == 0 ? top : top.divide(common);
        BigInteger q = common.signum() == 0 ? bottom : bottom.divide(common);
        return constant(p.doubleValue() / q.doubleValue(), new Form.Exact(p, q));
    }

    static MathTerm decimal(double value) {
        return constant(value, new Form.Decimal());
    }

    static MathTerm constant(double value) {
        return constant(value, new Form.Other(false));
    }

    static MathTerm constant(double value, Form form) {
        return constant(Complex.of(value), form);
    }

    static MathTerm constant(Complex value, Form form) {
        return new MathTerm(Collections.nCopies(CHOICES, value), form, Set.of());
    }

    /// A letter has one number in each choice, below zero in the second.
    static MathTerm symbol(String name) {
        var values = new ArrayList<Complex>();
        for (double value : numbers(name)) {
            values.add(Complex.of(value));
        }
        return new MathTerm(values, new Form.Symbol(name), Set.of(name));
    }

    /// The number that a letter has.
    static double[] numbers(String name) {
        double[] values = new double[CHOICES];
        long bits = name.hashCode();
        for (int i = 0; i < CHOICES; i++) {
            bits = (bits * 0x5DEECE66DL + 0xBL) & ((1L << 48) - 1);
            double value = 0.5 + 2 * (bits >>> 16) / (double) (1L << 32);
            values[i] = i == 1 ? -value : value;
        }
        return values;
    }

    /// The value of a function that is only named, the same for the same arguments.
    static MathTerm call(String name, List<MathTerm> arguments) {
        double[] weights = numbers(name + "()");
        MathTerm sum = constant(weights[0]);
        boolean ofSymbols = true;
        double factor = weights[2];
        for (MathTerm argument : arguments) {
            factor *= 1.37;
            MathTerm turned = argument.map(value -> value.sin().plus(value));
            sum = sum.combine(turned.times(constant(factor)), Complex::plus);
            ofSymbols &= argument.isOfSymbols();
        }
        return sum.as(new Form.Other(ofSymbols));
    }

    MathTerm as(Form other) {
        return new MathTerm(values, other, letters);
    }

    MathTerm map(UnaryOperator<Complex> function) {
        return new MathTerm(values.stream().map(function).toList(), new Form.Other(false), letters);
    }

    MathTerm combine(MathTerm other, BinaryOperator<Complex> operator) {
        var combined = new ArrayList<Complex>();
        for (int i = 0; i < CHOICES; i++) {
            combined.add(operator.apply(values.get(i), other.values.get(i)));
        }
        var all = new TreeSet<>(letters);
        all.addAll(other.letters);
        return new MathTerm(combined, new Form.Other(isOfSymbols() && other.isOfSymbols()), all);
    }

    MathTerm plus(MathTerm other) {
        return combine(other, Complex::plus);
    }

    MathTerm minus(MathTerm other) {
        return combine(other, Complex::minus).as(new Form.Other(false));
    }

    MathTerm times(MathTerm other) {
        MathTerm product = combine(other, Complex::times);
        String name = lettersOf(this) + lettersOf(other);
        return lettersOf(this).isEmpty() || lettersOf(other).isEmpty()
                ? product
                : product.as(new Form.Letters(name));
    }

    /// A fraction where both are whole.
    MathTerm over(MathTerm other) {
        if (form instanceof Form.Exact a
                && other.form instanceof Form.Exact b
                && a.isWhole()
                && b.isWhole()
                && b.top().signum() != 0) {
            return exact(a.top(), b.top());
        }
        return combine(other, Complex::over).as(new Form.Other(isOfSymbols()));
    }

    MathTerm negated() {
        MathTerm opposite = map(value -> Complex.of(0).minus(value));
        return switch (form) {
            case Form.Exact exact -> exact(exact.top().negate(), exact.bottom());
            case Form.Decimal decimal -> opposite.as(decimal);
            default -> opposite;
        };
    }

    MathTerm percent() {
        return map(value -> value.over(Complex.of(100))).as(new Form.Percent(form));
    }

    /// Whether names are all there is in it.
    boolean isOfSymbols() {
        return switch (form) {
            case Form.Symbol _ -> true;
            case Form.Letters letters -> !letters.name().isEmpty();
            case Form.Other other -> other.ofSymbols();
            default -> false;
        };
    }

    private static String lettersOf(MathTerm term) {
        return switch (term.form) {
            case Form.Symbol symbol -> symbol.name();
            case Form.Letters letters -> letters.name();
            default -> "";
        };
    }

    /// The number, if there are no letters and it is real.
    double number() {
        return letters.isEmpty() && values.getFirst().isReal()
                ? values.getFirst().re()
                : Double.NaN;
    }

    /// Whether both are one and the same, not only of one value.
    boolean isWrittenAs(MathTerm other) {
        return form.equals(other.form) && letters.equals(other.letters) && agrees(other, SAME);
    }

    /// Whether both mean the same, as `math-verify` sees it: decimals are compared to six digits,
    /// and of percentages of whole numbers the sign may be missing.
    boolean means(MathTerm other) {
        if (form instanceof Form.Symbol || other.form instanceof Form.Symbol) {
            return named(other);
        }
        if (isDecimal(form) || isDecimal(other.form)) {
            return roundsTo(other) || agrees(other, 1e-15);
        }
        if (wholeOf(form) != null && wholeOf(form).equals(wholeOf(other.form))) {
            return true;
        }
        if (form instanceof Form.Exact a && other.form instanceof Form.Exact b) {
            return a.equals(b);
        }
        return agrees(other, SAME);
    }

    private boolean named(MathTerm other) {
        String mine = lettersOf(this);
        String others = lettersOf(other);
        if (!mine.isEmpty() && !others.isEmpty()) {
            return mine.equals(others);
        }
        String name = mine.isEmpty() ? others : mine;
        Form number = mine.isEmpty() ? form : other.form;
        return number instanceof Form.Exact exact && exact.toString().equals(name)
                || agrees(other, SAME) && !letters.isEmpty() && letters.equals(other.letters);
    }

    private static boolean isDecimal(Form form) {
        return form instanceof Form.Decimal
                || form instanceof Form.Percent percent && isDecimal(percent.number());
    }

    private static BigInteger wholeOf(Form form) {
        return switch (form) {
            case Form.Exact exact when exact.isWhole() -> exact.top();
            case Form.Percent percent when percent.number() instanceof Form.Exact ->
                    wholeOf(percent.number());
            default -> null;
        };
    }

    private boolean roundsTo(MathTerm other) {
        double a = number();
        double b = other.number();
        if (Math.abs(a) > 1e9) {
            return Math.abs(a - b) <= 1e-15 * Math.abs(a);
        }
        return Math.rint(a * MILLION) == Math.rint(b * MILLION);
    }

    private boolean agrees(MathTerm other, double tolerance) {
        for (int i = 0; i < CHOICES; i++) {
            Complex a = values.get(i);
            Complex b = other.values.get(i);
            boolean same = a.re() == b.re() && a.im() == b.im();
            double away = a.minus(b).abs();
            if (!same
                    && !(away < Double.POSITIVE_INFINITY
                            && away <= tolerance * Math.max(1e-3, a.abs()))) {
                return false;
            }
        }
        return true;
    }
}
