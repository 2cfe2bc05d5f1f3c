package org.attune.reward.builtin;

import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/// Values of an expression in LaTeX, one for each of a few choices of its letters: expressions that
/// agree in all of them are equal, but for chance. Letters stand for one number each, and are
/// multiplied where they stand side by side; `e` and `\pi` are those numbers.
final class MathExpression {
    /// Choices of letters.
    static final int CHOICES = 3;

    private static final int LONGEST = 2000;
    private static final int DEEPEST = 50;
    private static final Map<String, DoubleUnaryOperator> FUNCTIONS =
            Map.of(
                    "sin", Math::sin,
                    "cos", Math::cos,
                    "tan", Math::tan,
                    "arcsin", Math::asin,
                    "arccos", Math::acos,
                    "arctan", Math::atan,
                    "exp", Math::exp,
                    "ln", Math::log,
                    "log", Math::log10);

    private final String text;
    private int at;
    private int depth;

    private MathExpression(String text) {
        this.text = text;
    }

    /// The text isn't an expression that is understood here.
    private static final class Unknown extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Unknown() {
            super(null, null, false, false);
        }
    }

    /// @return a value for each choice of letters, or empty if the text isn't understood or has no
    ///     finite value
    static Optional<double[]> values(String latex) {
        if (latex.length() > LONGEST) {
            return Optional.empty();
        }
        var reader = new MathExpression(latex);
        try {
            double[] values = reader.sum();
            reader.space();
            boolean whole = reader.at == latex.length();
            for (double value : values) {
                whole &= Double.isFinite(value);
            }
            return whole ? Optional.of(values) : Optional.empty();
        } catch (Unknown e) {
            return Optional.empty();
        }
    }

    private double[] sum() {
        if (++depth > DEEPEST) {
            throw new Unknown();
        }
        double[] value = skip("-") ? mapped(product(), x -> -x) : plus();
        while (true) {
            if (skip("+")) {
                value = combined(value, product(), Double::sum);
            } else if (skip("-")) {
                value = combined(value, product(), (a, b) -> a - b);
            } else {
                depth--;
                return value;
            }
        }
    }

    private double[] plus() {
        skip("+");
        return product();
    }

    private double[] product() {
        double[] value = power();
        while (true) {
            if (skip("*") || skip("\\cdot") || skip("\\times") || skip("×") || skip("·")) {
                value = combined(value, signed(), (a, b) -> a * b);
            } else if (skip("/") || skip("\\div")) {
                value = combined(value, signed(), (a, b) -> a / b);
            } else if (startsFactor()) {
                value = combined(value, power(), (a, b) -> a * b);
            } else {
                return value;
            }
        }
    }

    private double[] signed() {
        return skip("-") ? mapped(power(), x -> -x) : power();
    }

    private boolean startsFactor() {
        space();
        if (at == text.length()) {
            return false;
        }
        char c = text.charAt(at);
        return Character.isLetterOrDigit(c) || c == '(' || c == '{' || c == '\\';
    }

    private double[] power() {
        double[] value = atom();
        while (true) {
            boolean degrees = skip("^\\circ") || skip("^{\\circ}") || skip("°"); // are numbers
            if (skip("!")) {
                value = mapped(value, MathExpression::factorial);
            } else if (skip("^")) {
                value = combined(value, exponent(), Math::pow);
            } else if (!degrees) {
                return value;
            }
        }
    }

    /// 2^10 is meant as a power of ten, though LaTeX raises the 1 only.
    private double[] exponent() {
        space();
        int from = at;
        while (at < text.length() && Character.digit(text.charAt(at), 10) >= 0) {
            at++;
        }
        return at - from > 1 ? constant(Double.parseDouble(text.substring(from, at))) : from(from);
    }

    private double[] from(int place) {
        at = place;
        return group();
    }

    private double[] atom() {
        space();
        if (at == text.length()) {
            throw new Unknown();
        }
        char c = text.charAt(at);
        if (c >= '0' && c <= '9' || c == '.') {
            return numberOrMixed();
        }
        if (c == '(' || c == '{' || c == '|') {
            at++;
            double[] inner = sum();
            require(c == '(' ? ")" : c == '{' ? "}" : "|");
            return c == '|' ? mapped(inner, Math::abs) : inner;
        }
        if (c == '\\') {
            return command();
        }
        if (!Character.isLetter(c)) {
            throw new Unknown();
        }
        at++;
        return c == 'e' ? constant(Math.E) : c == 'π' ? constant(Math.PI) : letter(name(c));
    }

    /// A letter with its index.
    private String name(char letter) {
        String name = String.valueOf(letter);
        if (skip("_")) {
            int from = at;
            if (skip("{")) {
                at = text.indexOf('}', at) + 1;
                if (at == 0) {
                    throw new Unknown();
                }
            } else {
                at = Math.min(at + 1, text.length());
            }
            name += text.substring(from, at).replaceAll("[{}\\s]", "");
        }
        return name;
    }

    private static double[] letter(String name) {
        double[] values = new double[CHOICES];
        long bits = name.hashCode();
        for (int i = 0; i < CHOICES; i++) {
            bits = (bits * 0x5DEECE66DL + 0xBL) & ((1L << 48) - 1);
            values[i] = 0.5 + 2 * (bits >>> 16) / (double) (1L << 32);
        }
        return values;
    }

    private double[] numberOrMixed() {
        int from = at;
        while (at < text.length()
                && (Character.digit(text.charAt(at), 10) >= 0 || text.charAt(at) == '.')) {
            at++;
        }
        String digits = text.substring(from, at);
        double value;
        try {
            value = Double.parseDouble(digits);
        } catch (NumberFormatException e) {
            throw new Unknown();
        }
        // 1\frac{1}{2} is one and a half
        boolean mixed = text.startsWith("\\frac", at) && digits.indexOf('.') < 0;
        return mixed ? combined(constant(value), atom(), Double::sum) : constant(value);
    }

    private double[] command() {
        at++;
        int from = at;
        while (at < text.length() && Character.isLetter(text.charAt(at))) {
            at++;
        }
        String name = text.substring(from, at);
        return switch (name) {
            case "pi" -> constant(Math.PI);
            case "frac", "dfrac", "tfrac" -> combined(group(), group(), (a, b) -> a / b);
            case "binom", "dbinom" -> combined(group(), group(), MathExpression::choose);
            case "sqrt" -> root();
            case "log" -> logarithm();
            case "alpha", "beta", "gamma", "theta", "lambda", "mu", "phi", "tau", "omega" ->
                    letter(name);
            default -> {
                DoubleUnaryOperator function = FUNCTIONS.get(name);
                if (function == null) {
                    throw new Unknown();
                }
                yield ofArgument(function);
            }
        };
    }

    private double[] root() {
        double[] degree = constant(2);
        if (skip("[")) {
            degree = sum();
            require("]");
        }
        return combined(group(), degree, (x, n) -> n == 2 ? Math.sqrt(x) : Math.pow(x, 1 / n));
    }

    private double[] logarithm() {
        if (!skip("_")) {
            return ofArgument(Math::log10);
        }
        double[] base = group();
        return combined(power(), base, (x, b) -> Math.log(x) / Math.log(b));
    }

    /// Degrees are meant where the argument is written with their sign.
    private double[] ofArgument(DoubleUnaryOperator function) {
        int from = at;
        double[] argument = power();
        String written = text.substring(from, at);
        boolean degrees = written.contains("\\circ") || written.contains("°");
        return mapped(degrees ? mapped(argument, Math::toRadians) : argument, function);
    }

    /// `{…}`, or one digit, letter or command.
    private double[] group() {
        space();
        if (at < text.length() && Character.digit(text.charAt(at), 10) >= 0) {
            return constant(Character.digit(text.charAt(at++), 10));
        }
        return skip("-") ? mapped(atom(), x -> -x) : atom();
    }

    private static double factorial(double n) {
        if (n != Math.rint(n) || n < 0 || n > 170) {
            return Double.NaN;
        }
        double product = 1;
        for (int i = 2; i <= n; i++) {
            product *= i;
        }
        return product;
    }

    private static double choose(double n, double k) {
        return Math.rint(factorial(n) / (factorial(k) * factorial(n - k)));
    }

    private static double[] constant(double value) {
        double[] values = new double[CHOICES];
        java.util.Arrays.fill(values, value);
        return values;
    }

    private static double[] mapped(double[] values, DoubleUnaryOperator function) {
        return java.util.Arrays.stream(values).map(function).toArray();
    }

    private static double[] combined(double[] a, double[] b, DoubleBinaryOperator operator) {
        double[] values = new double[CHOICES];
        for (int i = 0; i < CHOICES; i++) {
            values[i] = operator.applyAsDouble(a[i], b[i]);
        }
        return values;
    }

    private void space() {
        while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '~')) {
            at++;
        }
    }

    private boolean skip(String wanted) {
        space();
        boolean there = text.startsWith(wanted, at);
        at += there ? wanted.length() : 0;
        return there;
    }

    private void require(String wanted) {
        if (!skip(wanted)) {
            throw new Unknown();
        }
    }
}
