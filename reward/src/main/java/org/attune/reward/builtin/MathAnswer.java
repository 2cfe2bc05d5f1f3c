package org.attune.reward.builtin;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// An answer in the notation of mathematics problems: a number (an integer, a decimal, a fraction,
/// a percentage, one with a unit), an [expression][MathExpression], what a letter equals (`x = 3`),
/// a tuple, an interval, a list, a set or a matrix of these, or a word in `\text{…}`. Inequalities
/// are understood as intervals only, and equations of more than a letter not at all; such an answer
/// has no value here.
///
/// @param shape brackets around the parts: `()`, `[)` and the like, `{}` for a set, empty for a
///     list without, `matrix2` for one of two rows; `text` for a word
/// @param parts the components (one for a plain number), each with the values that it may stand
///     for: 50 % is 50 and 0.5
/// @param word  the letters and digits, small
record MathAnswer(String shape, List<List<double[]>> parts, String word) {
    /// Answers are equal if they agree to six digits behind the point.
    private static final double TOLERANCE = 5e-7;

    private static final int LONGEST = 2000;

    private static final Pattern FRACTION =
            Pattern.compile(
                    "\\s*([+-]?)\\s*\\\\[dt]?frac\\s*(?:\\{\\s*([\\d.]+)\\s*}\\s*\\{\\s*([\\d.]+)\\s*}"
                        + "|(\\d)\\s*(\\d))");
    private static final Pattern NUMBER =
            Pattern.compile(
                    "([+-]?)\\s*(\\d{1,3}(?:,\\d{3})+(?:\\.\\d+)?|\\d+(?:\\.\\d*)?|\\.\\d+)"
                            + "(?:\\s*/\\s*(\\d+(?:\\.\\d+)?))?\\s*(%)?"
                            // a unit: a word behind a space, or one of two letters and more
                            + "(?:(?:\\s+\\p{L}+|\\p{L}{2,})(?:\\^\\d)?(?:/\\p{L}+(?:\\^\\d)?)?)?");
    private static final Pattern BOX = Pattern.compile("\\\\boxed\\s*(?:\\{|([^\\s{}$]+))");
    private static final Pattern ASSIGNMENT =
            Pattern.compile("^\\p{L}(?:_\\w|_\\{\\w+})?(?:\\(\\p{L}\\))?\\s*=|=\\s*\\p{L}$");
    private static final Pattern MEMBER = Pattern.compile("^\\p{L}\\s*\\\\in(?!\\p{L})\\s*");
    private static final Pattern MATRIX =
            Pattern.compile("(?s)\\\\begin\\{[pbvB]?matrix}(.*)\\\\end\\{[pbvB]?matrix}");
    private static final Pattern BETWEEN =
            Pattern.compile("(.+?)(<|\\\\le)\\s*\\p{L}\\s*(<|\\\\le)(?!\\p{L})(.+)");
    private static final Pattern WORDS =
            Pattern.compile("(?:\\\\(?:text|textbf|mathrm|mathbf)\\s*\\{[^{}\\d]+}|\\p{L}{2,})");
    private static final Pattern DELIMITED =
            Pattern.compile(
                    "(?s)\\$\\$(.+?)\\$\\$|\\$(.+?)\\$|\\\\\\((.+?)\\\\\\)|\\\\\\[(.+?)\\\\]");

    /// What the gold column holds: the inside of the first `\boxed{…}` or `$…$`, or else all of it
    /// if there is a digit or a command of LaTeX in it.
    static Optional<MathAnswer> gold(String text) {
        List<String> boxes = boxes(text);
        if (!boxes.isEmpty()) {
            return parse(boxes.getFirst());
        }
        Matcher matcher = DELIMITED.matcher(text);
        if (matcher.find()) {
            for (int group = 1; group <= matcher.groupCount(); group++) {
                if (matcher.group(group) != null) {
                    return parse(matcher.group(group));
                }
            }
        }
        // A bare word may be anything.
        boolean mathematics = text.chars().anyMatch(c -> c == '\\' || c >= '0' && c <= '9');
        return mathematics
                ? parse(text).filter(one -> !one.shape.equals("text"))
                : Optional.empty();
    }

    /// What a completion answers: the inside of its only `\boxed{…}`. Several boxes are several
    /// answers, hence none.
    static Optional<MathAnswer> answer(String text) {
        List<String> boxes = boxes(text);
        return boxes.size() == 1 ? parse(boxes.getFirst()) : Optional.empty();
    }

    /// Contents of all closed `\boxed{…}`, and of `\boxed 7`.
    private static List<String> boxes(String text) {
        var contents = new ArrayList<String>();
        Matcher box = BOX.matcher(text);
        int from = 0;
        while (box.find(from)) {
            if (box.group(1) != null) {
                contents.add(box.group(1));
                from = box.end();
                continue;
            }
            int end = closingBrace(text, box.end());
            if (end < 0) {
                break;
            }
            contents.add(text.substring(box.end(), end));
            from = end;
        }
        return contents;
    }

    /// Where the brace that is open before `start` closes; -1 if nowhere.
    private static int closingBrace(String text, int start) {
        int depth = 1;
        for (int i = start; i < text.length(); i++) {
            char c = text.charAt(i);
            depth += c == '{' ? 1 : c == '}' ? -1 : 0;
            if (depth == 0) {
                return i;
            }
        }
        return -1;
    }

    private static Optional<MathAnswer> parse(String latex) {
        if (latex.length() > LONGEST) {
            return Optional.empty();
        }
        List<String> inner = boxes(latex); // a box in a box
        if (inner.size() == 1) {
            return parse(inner.getFirst());
        }
        String word =
                latex.replaceAll("\\\\[a-zA-Z]+|[^\\p{L}\\p{N}]", "").toLowerCase(Locale.ROOT);
        if (WORDS.matcher(latex.strip()).matches()) {
            return Optional.of(new MathAnswer("text", List.of(), word));
        }
        Matcher matrix = MATRIX.matcher(latex.strip());
        if (matrix.matches()) {
            String[] rows = matrix.group(1).split("\\\\\\\\");
            List<String> cells = List.of(String.join("&", rows).split("&"));
            return of("matrix" + rows.length, cells.stream().map(MathAnswer::plain).toList(), word);
        }
        String text = plain(latex);
        if (text.contains("\\cup")) {
            return union(text.split("\\\\cup"), word);
        }
        Matcher between = BETWEEN.matcher(text);
        if (between.matches()) {
            String shape =
                    (between.group(2).equals("<") ? "(" : "[")
                            + (between.group(3).equals("<") ? ")" : "]");
            return of(shape, List.of(between.group(1), between.group(4)), word);
        }
        if (text.equals("\\emptyset") || text.equals("\\varnothing")) {
            return of("{}", List.of(), word);
        }
        boolean set = text.startsWith("\\{") && text.endsWith("\\}");
        if (set) {
            String items = text.substring(2, text.length() - 2);
            return of("{}", items.isBlank() ? List.of() : components(items), word);
        }
        boolean brackets =
                text.length() > 2
                        && "([".indexOf(text.charAt(0)) >= 0
                        && ")]".indexOf(text.charAt(text.length() - 1)) >= 0;
        if (brackets) {
            List<String> items = components(text.substring(1, text.length() - 1));
            if (items.size() > 1 || text.charAt(0) == '[') {
                return of("" + text.charAt(0) + text.charAt(text.length() - 1), items, word);
            }
        }
        return of("", components(text), word);
    }

    /// Intervals in any order.
    private static Optional<MathAnswer> union(String[] written, String word) {
        var intervals = new ArrayList<MathAnswer>();
        for (String one : written) {
            Optional<MathAnswer> interval = parse(one).filter(answer -> answer.parts.size() == 2);
            if (interval.isEmpty()) {
                return Optional.empty();
            }
            intervals.add(interval.get());
        }
        intervals.sort(Comparator.comparingDouble(one -> one.parts.getFirst().getFirst()[0]));
        var shape = new StringBuilder();
        var parts = new ArrayList<List<double[]>>();
        for (MathAnswer interval : intervals) {
            shape.append(interval.shape);
            parts.addAll(interval.parts);
        }
        return Optional.of(new MathAnswer(shape.toString(), parts, word));
    }

    /// What stands between commas outside of brackets. A comma before three digits alone separates
    /// thousands where the whole is one number.
    private static List<String> components(String text) {
        if (NUMBER.matcher(text).matches()) {
            return List.of(text);
        }
        var components = new ArrayList<String>();
        int depth = 0;
        int from = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            depth += "([{".indexOf(c) >= 0 ? 1 : ")]}".indexOf(c) >= 0 ? -1 : 0;
            if (c == ',' && depth == 0) {
                components.add(text.substring(from, i));
                from = i + 1;
            }
        }
        components.add(text.substring(from));
        return components;
    }

    private static Optional<MathAnswer> of(String shape, List<String> written, String word) {
        var parts = new ArrayList<List<double[]>>();
        for (String part : written) {
            String assigned = ASSIGNMENT.matcher(part.strip()).replaceAll("").strip();
            List<String> signs =
                    assigned.contains("\\pm")
                            ? List.of(assigned.replace("\\pm", "+"), assigned.replace("\\pm", "-"))
                            : List.of(assigned);
            for (String one : signs) {
                List<double[]> values = values(one);
                if (values.isEmpty()) {
                    return Optional.empty();
                }
                parts.add(values);
            }
        }
        return Optional.of(new MathAnswer(shape, parts, word));
    }

    /// LaTeX's ways to write a plain expression, undone.
    private static String plain(String latex) {
        String text = latex.replaceAll("\\\\(?:text|mathrm|textbf|mathbf)\\s*\\{([^{}]*)}", " $1");
        Matcher fraction = FRACTION.matcher(text);
        if (fraction.lookingAt()) { // others are left to expressions
            text = fraction.replaceFirst("$1$2$4/$3$5");
        }
        text = text.replaceAll("\\\\(?:left|right|,|;|!| |displaystyle)|\\\\\\$|\\{,}", "");
        text = text.replace("\\%", "%").replace("$", "").replace("\u2212", "-").strip();
        text =
                text.replaceAll("\\\\leq?q?(?!\\p{L})", "\\\\le ")
                        .replaceAll("\\\\lt(?!\\p{L})", "<");
        text = text.replaceAll("\\s*,?\\s+(?:and|or)\\s+", ",");
        text = MEMBER.matcher(text).replaceFirst("");
        return text.contains(",") ? text : ASSIGNMENT.matcher(text).replaceFirst("").strip();
    }

    /// What one component may stand for; empty if it isn't understood.
    private static List<double[]> values(String text) {
        String sign = text.startsWith("-") ? "-" : "";
        if (text.equals("\\infty") || text.equals("+\\infty") || text.equals("-\\infty")) {
            double infinity = sign.isEmpty() ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
            return List.of(new double[] {infinity, infinity, infinity});
        }
        double[] numbers = number(text);
        if (numbers == null) {
            return MathExpression.values(text).map(List::of).orElse(List.of());
        }
        var values = new ArrayList<double[]>();
        for (double number : numbers) {
            values.add(new double[] {number, number, number});
        }
        return values;
    }

    private static double[] number(String text) {
        Matcher matcher = NUMBER.matcher(text);
        if (!matcher.matches()) {
            return null;
        }
        double value = Double.parseDouble(matcher.group(2).replace(",", ""));
        if (matcher.group(3) != null) {
            value /= Double.parseDouble(matcher.group(3));
        }
        if (matcher.group(1).equals("-")) {
            value = -value;
        }
        if (!Double.isFinite(value)) {
            return null;
        }
        return matcher.group(4) == null ? new double[] {value} : new double[] {value, value / 100};
    }

    /// Whether both mean the same.
    boolean matches(MathAnswer other) {
        if (shape.equals("text") || other.shape.equals("text")) {
            return word.equals(other.word);
        }
        if (parts.size() != other.parts.size()) {
            return false;
        }
        boolean alike =
                shape.equals(other.shape)
                        || parts.size() == 1
                        || (shape + other.shape).equals("{}()")
                        || (shape + other.shape).equals("(){}")
                        || shape.isEmpty() && !other.shape.startsWith("matrix")
                        || other.shape.isEmpty() && !shape.startsWith("matrix");
        if (!alike) {
            return false;
        }
        boolean sets = shape.equals("{}") || other.shape.equals("{}");
        boolean ordered = !sets && (isOrdered(shape) || isOrdered(other.shape));
        var left = new ArrayList<>(other.parts);
        for (List<double[]> part : parts) {
            int found = 0;
            while (!ordered && found < left.size() - 1 && !shareValue(part, left.get(found))) {
                found++;
            }
            if (!shareValue(part, left.remove(found))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isOrdered(String shape) {
        return !shape.isEmpty();
    }

    private static boolean shareValue(List<double[]> some, List<double[]> others) {
        return some.stream().anyMatch(a -> others.stream().anyMatch(b -> areEqual(a, b)));
    }

    private static boolean areEqual(double[] a, double[] b) {
        for (int i = 0; i < a.length; i++) {
            double tolerance = Math.max(TOLERANCE, 1e-12 * Math.abs(a[i]));
            if (a[i] != b[i] && !(Math.abs(a[i] - b[i]) <= tolerance)) {
                return false;
            }
        }
        return true;
    }
}
