package org.attune.reward.builtin;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A numeric answer in the notation of mathematics problems: an integer, a decimal, a fraction
/// (`1/3`, `\frac{1}{3}`), a percentage, a number with a unit, `x = 3`, or a tuple of these.
/// Letters and formulas are not understood; such an answer has no value here.
///
/// @param parts the tuple's components (one for a plain number), each with the values that it may
///     stand for: 50 % is 50 and 0.5
record MathAnswer(List<double[]> parts) {
    /// Answers are equal if they agree to six digits behind the point.
    private static final double TOLERANCE = 5e-7;

    private static final Pattern FRACTION =
            Pattern.compile("\\\\[dt]?frac\\s*(?:\\{([^{}]*)}\\s*\\{([^{}]*)}|(\\d)\\s*(\\d))");
    private static final Pattern NUMBER =
            Pattern.compile(
                    "([+-]?)\\s*(\\d{1,3}(?:,\\d{3})+(?:\\.\\d+)?|\\d+(?:\\.\\d*)?|\\.\\d+)"
                            + "(?:\\s*/\\s*(\\d+(?:\\.\\d+)?))?\\s*(%)?"
                            // a unit: a word behind a space, or one of two letters and more
                            + "(?:(?:\\s+\\p{L}+|\\p{L}{2,})(?:\\^\\d)?(?:/\\p{L}+(?:\\^\\d)?)?)?");
    private static final Pattern ASSIGNMENT = Pattern.compile("^\\p{L}\\s*=");
    private static final Pattern DELIMITED =
            Pattern.compile(
                    "(?s)\\$\\$(.+?)\\$\\$|\\$(.+?)\\$|\\\\\\((.+?)\\\\\\)|\\\\\\[(.+?)\\\\]");

    /// What the gold column holds: the inside of the first `\boxed{…}` or `$…$`, or else all of it.
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
        return parse(text);
    }

    /// What a completion answers: the inside of its only `\boxed{…}`. Several boxes are several
    /// answers, hence none.
    static Optional<MathAnswer> answer(String text) {
        List<String> boxes = boxes(text);
        return boxes.size() == 1 ? parse(boxes.getFirst()) : Optional.empty();
    }

    /// Contents of all closed `\boxed{…}`, outermost ones.
    private static List<String> boxes(String text) {
        String opening = "\\boxed{";
        var contents = new ArrayList<String>();
        int from = text.indexOf(opening);
        while (from >= 0) {
            int start = from + opening.length();
            int depth = 1;
            int end = start;
            while (end < text.length() && depth > 0) {
                char c = text.charAt(end++);
                depth += c == '{' ? 1 : c == '}' ? -1 : 0;
            }
            if (depth > 0) {
                break;
            }
            contents.add(text.substring(start, end - 1));
            from = text.indexOf(opening, end);
        }
        return contents;
    }

    private static Optional<MathAnswer> parse(String latex) {
        String text = plain(latex);
        List<String> written =
                text.startsWith("(") && text.endsWith(")") && text.contains(",")
                        ? List.of(text.substring(1, text.length() - 1).split(",", -1))
                        : List.of(text);
        var parts = new ArrayList<double[]>();
        for (String part : written) {
            double[] values = number(part.strip());
            if (values == null) {
                return Optional.empty();
            }
            parts.add(values);
        }
        return Optional.of(new MathAnswer(parts));
    }

    /// LaTeX's ways to write a plain expression, undone.
    private static String plain(String latex) {
        String text = latex.replaceAll("\\\\(?:text|mathrm|textbf|mathbf)\\s*\\{([^{}]*)}", " $1");
        text = FRACTION.matcher(text).replaceAll("$1$3/$2$4");
        text = text.replaceAll("\\\\(?:left|right|,|;|!| )|\\\\\\$|\\{,}", "");
        text = text.replace("\\%", "%").replace("$", "").replace("\u2212", "-").strip();
        text = ASSIGNMENT.matcher(text).replaceFirst("").strip();
        return text;
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
        if (parts.size() != other.parts.size()) {
            return false;
        }
        for (int i = 0; i < parts.size(); i++) {
            if (!shareValue(parts.get(i), other.parts.get(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean shareValue(double[] a, double[] b) {
        for (double x : a) {
            for (double y : b) {
                if (Math.abs(x - y) <= TOLERANCE) {
                    return true;
                }
            }
        }
        return false;
    }
}
