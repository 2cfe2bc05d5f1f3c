package org.attune.reward.builtin;

import org.attune.reward.builtin.MathExpression.UnknownException;
import org.attune.reward.builtin.MathTerm.Form;
import org.attune.reward.builtin.MathValue.Collection;
import org.attune.reward.builtin.MathValue.Interval;
import org.attune.reward.builtin.MathValue.Matrix;
import org.attune.reward.builtin.MathValue.NamedSet;
import org.attune.reward.builtin.MathValue.Region;
import org.attune.reward.builtin.MathValue.Region.Operation;
import org.attune.reward.builtin.MathValue.Relation;
import org.attune.reward.builtin.MathValue.Relation.Sign;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads what an answer holds around [expressions][MathExpression]: lists, sets, tuples, intervals,
/// equations, inequalities, matrices.
final class MathReader {
    private static final int LONGEST = 2000;
    private static final int DEEPEST = 20;
    private static final Pattern THOUSANDS =
            Pattern.compile("\\s*(-?\\d{1,3}(?:,\\d{3})+)(\\.\\d+)?\\s*");
    private static final Pattern MATRIX =
            Pattern.compile(
                    "(?s)\\(?\\[?\\s*\\\\begin\\{([pbvBV]?matrix|array)}(?:\\{[clr|\\s]*})?(.*)\\\\end\\{\\1}\\s*\\)?]?");
    private static final Pattern EQUALS = Pattern.compile("(?<![\\\\<!>])=");
    private static final Map<String, Sign> SIGNS =
            Map.ofEntries(
                    Map.entry("<=", Sign.LESS_OR_EQUAL),
                    Map.entry(">=", Sign.GREATER_OR_EQUAL),
                    Map.entry("≤", Sign.LESS_OR_EQUAL),
                    Map.entry("≥", Sign.GREATER_OR_EQUAL),
                    Map.entry("\\le", Sign.LESS_OR_EQUAL),
                    Map.entry("\\ge", Sign.GREATER_OR_EQUAL),
                    Map.entry("\\leq", Sign.LESS_OR_EQUAL),
                    Map.entry("\\geq", Sign.GREATER_OR_EQUAL),
                    Map.entry("\\leqq", Sign.LESS_OR_EQUAL),
                    Map.entry("\\geqq", Sign.GREATER_OR_EQUAL),
                    Map.entry("\\leqslant", Sign.LESS_OR_EQUAL),
                    Map.entry("\\geqslant", Sign.GREATER_OR_EQUAL),
                    Map.entry("<", Sign.LESS),
                    Map.entry(">", Sign.GREATER),
                    Map.entry("\\lt", Sign.LESS),
                    Map.entry("\\gt", Sign.GREATER),
                    Map.entry("\\neq", Sign.UNEQUAL),
                    Map.entry("\\ne", Sign.UNEQUAL),
                    Map.entry("=", Sign.EQUAL),
                    Map.entry("\\in", Sign.EQUAL));
    // longer ones first
    private static final String[] RELATIONS =
            SIGNS.keySet().stream()
                    .sorted((a, b) -> b.length() - a.length())
                    .toArray(String[]::new);

    private int depth;

    private MathReader() {}

    /// @return empty if the text isn't understood
    static Optional<MathValue> read(String latex) {
        if (latex.length() > LONGEST) {
            return Optional.empty();
        }
        try {
            return Optional.of(new MathReader().whole(latex));
        } catch (UnknownException e) {
            // of a chain of equations the last part may be enough
            String[] parts = EQUALS.split(latex, -1);
            return parts.length > 2 && latex.indexOf(',') < 0 && latex.indexOf(';') < 0
                    ? read(parts[parts.length - 1])
                    : Optional.empty();
        }
    }

    private MathValue whole(String latex) {
        Matcher thousands = THOUSANDS.matcher(latex);
        if (thousands.matches()) {
            String digits = thousands.group(1).replace(",", "");
            return thousands.group(2) == null
                    ? MathTerm.exact(new BigInteger(digits), BigInteger.ONE)
                    : MathTerm.decimal(new BigDecimal(digits + thousands.group(2)).doubleValue());
        }
        List<List<String>> groups = groups(latex);
        if (groups.size() == 1 && groups.getFirst().size() > 1) {
            Optional<MathValue> assigned = assigned(groups.getFirst());
            if (assigned.isPresent()) {
                return assigned.get();
            }
        }
        return collected(groups);
    }

    /// `x = 1, 2`: a name that equals a list.
    private Optional<MathValue> assigned(List<String> elements) {
        List<Sign> signs = new ArrayList<>();
        List<String> sides = sides(elements.getFirst(), signs);
        boolean rest =
                elements.stream().skip(1).anyMatch(one -> sides(one, new ArrayList<>()).size() > 1);
        if (rest || !signs.equals(List.of(Sign.EQUAL))) {
            return Optional.empty();
        }
        MathValue left = side(sides.getFirst());
        if (!new Relation(List.of(left, left), signs).isAssignment()) {
            return Optional.empty();
        }
        var items = new ArrayList<MathValue>(elements(sides.getLast()));
        elements.stream().skip(1).forEach(one -> items.addAll(elements(one)));
        return Optional.of(new Relation(List.of(left, new Collection(false, items)), signs));
    }

    private List<List<String>> groups(String latex) {
        var groups = new ArrayList<List<String>>();
        for (String group : MathTokens.split(latex, ";")) {
            List<String> elements = new ArrayList<>(MathTokens.split(group, ","));
            if (elements.size() > 1 && elements.getLast().isBlank()) {
                elements.removeLast();
            }
            groups.add(elements);
        }
        return groups;
    }

    private MathValue collected(List<List<String>> groups) {
        boolean single = groups.stream().allMatch(group -> group.size() == 1);
        var items = new ArrayList<MathValue>();
        for (List<String> group : groups) {
            List<MathValue> values = group.stream().flatMap(one -> elements(one).stream()).toList();
            if (single || groups.size() == 1) {
                items.addAll(values);
            } else {
                items.add(new Collection(true, values));
            }
        }
        return items.size() == 1 ? items.getFirst() : new Collection(false, items);
    }

    /// What one element means: two values behind `\pm`.
    private List<MathValue> elements(String element) {
        var signs = new ArrayList<Sign>();
        List<String> sides = sides(element, signs);
        if (sides.size() > 1) {
            return List.of(new Relation(sides.stream().map(this::relationSide).toList(), signs));
        }
        List<String> approximate = MathTokens.split(element, "\\approx");
        if (approximate.size() == 2) {
            MathTerm left = MathExpression.read(approximate.getFirst());
            return List.of(left.isOfSymbols() ? MathExpression.read(approximate.getLast()) : left);
        }
        List<String> both = MathTokens.split(element, "\\pm");
        if (both.size() == 2) {
            MathTerm right = MathExpression.read(both.getLast());
            if (both.getFirst().isBlank()) {
                return List.of(right.negated(), right);
            }
            MathTerm left = MathExpression.read(both.getFirst());
            return List.of(left.plus(right), left.plus(right.negated()));
        }
        return List.of(side(element));
    }

    private MathValue relationSide(String side) {
        List<MathValue> values = elements(side);
        return values.size() == 1 ? values.getFirst() : new Collection(false, values);
    }

    private static List<String> sides(String element, List<Sign> signs) {
        List<String> sides = MathTokens.split(element, RELATIONS);
        int at = 0;
        for (String side : sides.subList(0, sides.size() - 1)) {
            at += side.length();
            String sign = MathTokens.at(element, at, RELATIONS);
            signs.add(SIGNS.get(sign));
            at += sign.length();
        }
        return sides;
    }

    /// A set, a tuple, a matrix or an expression.
    private MathValue side(String written) {
        if (++depth > DEEPEST) {
            throw new UnknownException();
        }
        String text = written.strip();
        MathValue value = matrix(text).or(() -> region(text)).or(() -> named(text)).orElse(null);
        if (value == null) {
            value = bracketed(text).orElse(null);
        }
        if (value == null) {
            value = MathExpression.read(text);
        }
        depth--;
        return value;
    }

    private Optional<MathValue> region(String text) {
        for (Operation operation : Operation.values()) {
            List<String> parts =
                    switch (operation) {
                        case DIFFERENCE -> MathTokens.split(text, "\\setminus", "\\backslash");
                        case UNION -> MathTokens.split(text, "\\cup", "∪");
                        case INTERSECTION -> MathTokens.split(text, "\\cap", "∩");
                    };
            if (parts.size() > 1) {
                MathValue value = set(parts.getFirst());
                for (String part : parts.subList(1, parts.size())) {
                    value = new Region(operation, value, set(part));
                }
                return Optional.of(value);
            }
        }
        return Optional.empty();
    }

    private MathValue set(String text) {
        MathValue value = side(text);
        if (!value.isCollective()) {
            throw new UnknownException();
        }
        return value instanceof Collection tuple ? new Collection(false, tuple.items()) : value;
    }

    private static Optional<MathValue> named(String text) {
        MathTerm infinity = MathTerm.constant(Double.POSITIVE_INFINITY);
        return switch (text) {
            case "\\emptyset", "\\varnothing", "∅", "\\{\\}" ->
                    Optional.of(new Collection(false, List.of()));
            case "\\mathbb{R}", "\\R", "ℝ" ->
                    Optional.of(new Interval(infinity.negated(), true, infinity, true));
            case "\\mathbb{Z}", "\\mathbb{N}", "\\mathbb{Q}", "\\mathbb{C}", "ℤ", "ℕ", "ℚ", "ℂ" ->
                    Optional.of(new NamedSet(text));
            default -> Optional.empty();
        };
    }

    private Optional<MathValue> bracketed(String text) {
        boolean set = text.startsWith("\\{") && text.endsWith("\\}");
        int open = set ? 1 : 0;
        boolean brackets =
                text.length() > 1
                        && "([{".indexOf(text.charAt(open)) >= 0
                        && MathTokens.closing(text, open) == text.length() - 1;
        if (!brackets) {
            return Optional.empty();
        }
        String inside = text.substring(open + 1, text.length() - 1 - open);
        List<List<String>> groups = groups(inside);
        boolean alone = groups.size() == 1 && groups.getFirst().size() == 1;
        if (alone && text.charAt(0) == '{') {
            return Optional.empty();
        }
        var items = new ArrayList<MathValue>();
        groups.forEach(group -> group.forEach(one -> items.addAll(elements(one))));
        if (set || text.charAt(0) == '{') {
            return Optional.of(new Collection(false, items));
        }
        if (items.size() == 1) {
            return items.getFirst() instanceof MathTerm
                    ? Optional.empty()
                    : Optional.of(items.getFirst());
        }
        boolean lowOpen = text.charAt(0) == '(';
        boolean highOpen = text.charAt(text.length() - 1) == ')';
        return Optional.of(
                items.size() == 2
                                && items.getFirst() instanceof MathTerm low
                                && items.getLast() instanceof MathTerm high
                        ? interval(low, lowOpen, high, highOpen, items)
                        : new Collection(true, items));
    }

    /// A pair whose second number isn't above the first is a point.
    private static MathValue interval(
            MathTerm low, boolean lowOpen, MathTerm high, boolean highOpen, List<MathValue> pair) {
        double a = low.number();
        double b = high.number();
        if (b < a || b == a && lowOpen && highOpen) {
            return new Collection(lowOpen == highOpen, lowOpen == highOpen ? pair : List.of());
        }
        return new Interval(
                low, lowOpen || Double.isInfinite(a), high, highOpen || Double.isInfinite(b));
    }

    private static Optional<MathValue> matrix(String text) {
        Matcher matrix = MATRIX.matcher(text);
        if (!matrix.matches()) {
            return Optional.empty();
        }
        var rows = new ArrayList<List<MathTerm>>();
        for (String row : matrix.group(2).split("\\\\\\\\")) {
            if (!row.isBlank()) {
                rows.add(
                        java.util.Arrays.stream(row.split("&", -1))
                                .map(MathExpression::read)
                                .toList());
            }
        }
        boolean even = rows.stream().allMatch(row -> row.size() == rows.getFirst().size());
        if (!even || rows.isEmpty()) {
            throw new UnknownException();
        }
        boolean determinant = matrix.group(1).equals("vmatrix");
        return Optional.of(determinant ? determinant(rows) : new Matrix(rows));
    }

    private static MathTerm determinant(List<List<MathTerm>> rows) {
        int size = rows.size();
        if (size != rows.getFirst().size() || size > 4) {
            throw new UnknownException();
        }
        if (size == 1) {
            return rows.getFirst().getFirst();
        }
        MathTerm sum = MathTerm.whole(0);
        for (int column = 0; column < size; column++) {
            var minor = new ArrayList<List<MathTerm>>();
            for (List<MathTerm> row : rows.subList(1, size)) {
                var rest = new ArrayList<>(row);
                rest.remove(column);
                minor.add(rest);
            }
            MathTerm part = rows.getFirst().get(column).times(determinant(minor));
            sum = column % 2 == 0 ? sum.plus(part) : sum.minus(part);
        }
        return sum.as(new Form.Other(false));
    }
}
