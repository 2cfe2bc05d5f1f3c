package org.attune.reward.builtin;

import org.attune.reward.builtin.MathTerm.Form;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.UnaryOperator;

/// Reads an expression in LaTeX. Letters are names of one sign each and are multiplied where they
/// stand side by side; `e` and `\pi` are those numbers. A whole number before a fraction is a mixed
/// number.
final class MathExpression {
    private static final int DEEPEST = 50;
    private static final int DIGITS = 400;
    private final String text;
    private int at;
    private int depth;

    private MathExpression(String text) {
        this.text = text;
    }

    /// The text isn't an expression that is understood here.
    static final class UnknownException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        UnknownException() {
            super(null, null, false, false);
        }
    }

    /// @throws UnknownException if the text isn't understood
    static MathTerm read(String latex) {
        var reader = new MathExpression(latex);
        MathTerm term = reader.sum();
        reader.space();
        if (reader.at < latex.length()) {
            throw new UnknownException();
        }
        return term;
    }

    private MathTerm sum() {
        if (++depth > DEEPEST) {
            throw new UnknownException();
        }
        MathTerm value = product(false);
        while (true) {
            if (skip("+")) {
                value = value.plus(product(false));
            } else if (skipMinus()) {
                value = value.minus(product(false));
            } else {
                depth--;
                return value;
            }
        }
    }

    /// @param bare whether it ends before a function: the argument of one without brackets
    private MathTerm product(boolean bare) {
        MathTerm value = signed(bare);
        while (true) {
            if (skip("\\cdot") || skip("\\times") || skip("×") || at("*", "**")) {
                value = value.times(signed(bare)).as(new Form.Other(false));
            } else if (skip("/") || skip("\\div") || skip("÷") || skip(":")) {
                value = value.over(signed(bare));
            } else if (skip("\\mod")) {
                value = value.combine(signed(bare), MathFunctions::modulo);
            } else {
                return value;
            }
        }
    }

    private boolean at(String wanted, String unwanted) {
        space();
        return !text.startsWith(unwanted, at) && skip(wanted);
    }

    private MathTerm signed(boolean bare) {
        if (++depth > DEEPEST) {
            throw new UnknownException();
        }
        MathTerm value =
                skipMinus() ? signed(bare).negated() : skip("+") ? signed(bare) : beside(bare);
        depth--;
        return value;
    }

    private boolean skipMinus() {
        return skip("-") || skip("−") || skip("–");
    }

    /// What stands side by side, from the right, as a whole number before a fraction is added.
    private MathTerm beside(boolean bare) {
        var factors = new ArrayList<MathTerm>();
        factors.add(postfix());
        while (startsFactor(bare)) {
            factors.add(postfix());
        }
        MathTerm value = factors.getLast();
        for (int i = factors.size() - 2; i >= 0; i--) {
            MathTerm left = factors.get(i);
            boolean mixed =
                    left.form() instanceof Form.Exact whole
                            && whole.isWhole()
                            && value.form() instanceof Form.Exact part
                            && part.top().signum() > 0;
            value = mixed ? mixed(left, value) : left.times(value);
        }
        return value;
    }

    private static MathTerm mixed(MathTerm whole, MathTerm part) {
        var left = (Form.Exact) whole.form();
        var right = (Form.Exact) part.form();
        return MathTerm.exact(left.top().multiply(right.bottom()).add(right.top()), right.bottom());
    }

    private boolean startsFactor(boolean bare) {
        space();
        if (at == text.length()) {
            return false;
        }
        char c = text.charAt(at);
        if (c != '\\') {
            return isLetterOrDigit(c)
                    || c == '('
                    || c == '{'
                    || c == '['
                    || c == '.'
                    || c == '|' && barOpens();
        }
        String name = MathTokens.command(text, at);
        boolean function = MathFunctions.FUNCTIONS.containsKey(name) || name.equals("sqrt");
        return !(bare && function)
                && (function
                        || Set.of("frac", "binom", "dbinom", "pi", "infty", "lfloor", "lceil")
                                .contains(name)
                        || name.equals("max")
                        || name.equals("min")
                        || MathFunctions.NAMES.contains(name.toLowerCase(Locale.ROOT))
                        || MathFunctions.ACCENTS.contains(name)
                        || MathFunctions.TEXTS.contains(name));
    }

    private static boolean isLetterOrDigit(char c) {
        return c < 128 && Character.isLetterOrDigit(c)
                || MathFunctions.GREEK.indexOf(c) >= 0
                || c == 'π';
    }

    /// Bars open and close by turns; where one closes nothing begins.
    private boolean barOpens() {
        return text.substring(0, at).chars().filter(c -> c == '|').count() % 2 == 0;
    }

    private MathTerm postfix() {
        MathTerm value = power();
        while (true) {
            if (skip("!")) {
                value = value.map(Complex::factorial);
            } else if (!skip("'")
                    && !skip("^\\circ")
                    && !skip("^{\\circ}")) { // degrees are numbers
                return value;
            }
        }
    }

    private MathTerm power() {
        MathTerm value = atom();
        while (true) {
            space();
            if (text.startsWith("^\\circ", at) || text.startsWith("^{\\circ}", at) || !skip("^")) {
                return value;
            }
            MathTerm exponent = exponent();
            boolean inverse = // of a name, as in A/S
                    exponent.form().equals(MathTerm.whole(-1).form()) && value.isOfSymbols();
            value = value.combine(exponent, Complex::power).as(new Form.Other(inverse));
        }
    }

    private MathTerm exponent() {
        space();
        if (at < text.length() && (text.charAt(at) == '(' || text.charAt(at) == '[')) {
            throw new UnknownException();
        }
        return skip("-") ? atom().negated() : atom();
    }

    private MathTerm atom() {
        space();
        if (at == text.length()) {
            throw new UnknownException();
        }
        char c = text.charAt(at);
        if (c >= '0' && c <= '9' || c == '.') {
            return number();
        }
        if (c == '(' || c == '{' || c == '[') {
            return group(c);
        }
        if (c == '|') {
            at++;
            MathTerm inner = sum();
            require("|");
            return inner.map(x -> Complex.of(x.abs()));
        }
        if (c == '\\') {
            return command();
        }
        if (!isLetterOrDigit(c)) {
            throw new UnknownException();
        }
        at++;
        if (c == 'e') {
            return MathTerm.constant(Math.E, new Form.Letters("e"));
        }
        if (c == 'I') {
            return MathTerm.constant(Complex.I, new Form.Other(false));
        }
        return c == 'π' ? MathTerm.constant(Math.PI) : named(String.valueOf(c), true);
    }

    private MathTerm group(char open) {
        at++;
        MathTerm inner = sum();
        if (open == '{' && skip("\\choose")) {
            inner = inner.combine(sum(), MathFunctions::choose);
        }
        require(open == '(' ? ")" : open == '{' ? "}" : "]");
        return inner;
    }

    /// A name with its index; before brackets with one sign, or several behind commas, a function.
    private MathTerm named(String name, boolean callable) {
        String whole = (name + index()).toLowerCase(Locale.ROOT);
        if (callable && at < text.length() && text.charAt(at) == '(') {
            int end = MathTokens.closing(text, at);
            String inside = end < 0 ? "" : text.substring(at + 1, end);
            List<String> arguments = MathTokens.split(inside, ",");
            boolean one = inside.matches("\\s*(?:[A-Za-z]|\\d+(?:\\.\\d+)?|\\\\[a-z]+)\\s*");
            if (one || arguments.size() > 1) {
                at = end + 1;
                return MathTerm.call(
                        name + index(), arguments.stream().map(MathExpression::read).toList());
            }
        }
        return MathTerm.symbol(whole);
    }

    private String index() {
        if (at >= text.length() || text.charAt(at) != '_') {
            return "";
        }
        at++;
        space();
        int from = at;
        if (at < text.length() && text.charAt(at) == '{') {
            at = MathTokens.closing(text, at) + 1;
            if (at == 0) {
                throw new UnknownException();
            }
        } else {
            boolean digit = at < text.length() && Character.isDigit(text.charAt(at));
            do {
                at = Math.min(at + 1, text.length());
            } while (digit && at < text.length() && Character.isDigit(text.charAt(at)));
        }
        return "_" + text.substring(from, at).replaceAll("[{}\\s]", "");
    }

    private MathTerm number() {
        int from = at;
        at = MathTokens.endOfDigits(text, at);
        boolean point = at < text.length() && text.charAt(at) == '.';
        if (point) {
            int end = MathTokens.endOfDigits(text, at + 1);
            if (end == at + 1) {
                throw new UnknownException();
            }
            at = end;
        }
        boolean power =
                at + 1 < text.length()
                        && text.charAt(at) == 'E'
                        && MathTokens.endOfDigits(
                                        text, at + 1 + (text.charAt(at + 1) == '-' ? 1 : 0))
                                > at + 1 + (text.charAt(at + 1) == '-' ? 1 : 0);
        if (power) {
            at = MathTokens.endOfDigits(text, at + 1 + (text.charAt(at + 1) == '-' ? 1 : 0));
        }
        if (at - from > DIGITS) {
            throw new UnknownException();
        }
        String digits = text.substring(from, at);
        index(); // of a base, which nothing reads
        MathTerm value =
                point || power
                        ? MathTerm.decimal(new BigDecimal(digits).doubleValue())
                        : MathTerm.exact(new BigInteger(digits), BigInteger.ONE);
        return skip("\\%") || skip("%") ? value.percent() : value;
    }

    private MathTerm command() {
        String name = MathTokens.command(text, at);
        at += 1 + name.length();
        if (MathFunctions.TEXTS.contains(name) || MathFunctions.ACCENTS.contains(name)) {
            return accented(name);
        }
        if (MathFunctions.NAMES.contains(name.toLowerCase(Locale.ROOT))) {
            return named(name, false);
        }
        return switch (name) {
            case "pi" -> MathTerm.constant(Math.PI);
            case "infty" -> MathTerm.constant(Double.POSITIVE_INFINITY);
            case "frac" -> braces().over(braces());
            case "binom", "dbinom" -> braces().combine(braces(), MathFunctions::choose);
            case "sqrt" -> root();
            case "lfloor" -> rounded("\\rfloor", Math::floor);
            case "lceil" -> rounded("\\rceil", Math::ceil);
            case "max", "min" -> extreme(name.equals("max"));
            default -> function(name);
        };
    }

    private MathTerm accented(String name) {
        space();
        int end = at < text.length() && text.charAt(at) == '{' ? MathTokens.closing(text, at) : -1;
        if (end < 0) {
            throw new UnknownException();
        }
        String inside = text.substring(at + 1, end).replace(" ", "");
        at = end + 1;
        if (MathFunctions.TEXTS.contains(name)) {
            if (inside.indexOf('\\') >= 0 || inside.indexOf('{') >= 0) {
                throw new UnknownException();
            }
            return named(inside.replace("(", "").replace(")", ""), false);
        }
        String accent = name.equals("overline") ? "bar" : name.startsWith("math") ? "math" : name;
        return named(accent + "{" + inside + "}", false);
    }

    private MathTerm root() {
        MathTerm degree = MathTerm.whole(2);
        if (skip("[")) {
            degree = sum();
            require("]");
        }
        MathTerm inverse = MathTerm.whole(1).over(degree);
        return braces().combine(inverse, Complex::power).as(new Form.Other(false));
    }

    private MathTerm rounded(String close, java.util.function.DoubleUnaryOperator function) {
        MathTerm inner = sum();
        require(close);
        return inner.map(x -> Complex.of(function.applyAsDouble(x.re())));
    }

    private MathTerm extreme(boolean most) {
        space();
        int end = at < text.length() && text.charAt(at) == '(' ? MathTokens.closing(text, at) : -1;
        if (end < 0) {
            throw new UnknownException();
        }
        List<String> arguments = MathTokens.split(text.substring(at + 1, end), ",");
        at = end + 1;
        return arguments.stream()
                .map(MathExpression::read)
                .reduce((a, b) -> a.combine(b, (x, y) -> x.re() > y.re() == most ? x : y))
                .orElseThrow(UnknownException::new);
    }

    private MathTerm function(String name) {
        UnaryOperator<Complex> function = MathFunctions.FUNCTIONS.get(name);
        if (function == null) {
            throw new UnknownException();
        }
        if (name.equals("log") && skip("_")) {
            MathTerm base = exponent();
            return argument().combine(base, (x, b) -> x.log().over(b.log()));
        }
        MathTerm exponent = skip("^") ? exponent() : MathTerm.whole(1);
        if (exponent.form().equals(MathTerm.whole(-1).form())) {
            exponent = MathTerm.whole(1);
            function = MathFunctions.FUNCTIONS.getOrDefault("arc" + name, function);
        }
        return argument().map(function).combine(exponent, Complex::power);
    }

    private MathTerm argument() {
        space();
        boolean bracket = at < text.length() && "({".indexOf(text.charAt(at)) >= 0;
        return bracket ? atom() : product(true);
    }

    private MathTerm braces() {
        space();
        if (at == text.length() || text.charAt(at) != '{') {
            throw new UnknownException();
        }
        return group('{');
    }

    private void space() {
        at = MathTokens.endOfSpace(text, at);
    }

    private boolean skip(String wanted) {
        space();
        boolean there = text.startsWith(wanted, at);
        if (there
                && wanted.startsWith("\\")
                && Character.isLetter(wanted.charAt(wanted.length() - 1))) {
            there = MathTokens.command(text, at).equals(wanted.substring(1));
        }
        at += there ? wanted.length() : 0;
        return there;
    }

    private void require(String wanted) {
        if (!skip(wanted)) {
            throw new UnknownException();
        }
    }
}
