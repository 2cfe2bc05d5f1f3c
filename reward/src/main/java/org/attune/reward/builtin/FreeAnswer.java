package org.attune.reward.builtin;

import java.math.BigInteger;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// An answer as people write it: with or without units, money, degrees, percent, marks of
/// thousands, the name of what was asked for, or a base.
///
/// @param plain its letters and digits alone, for comparing words
/// @param value what it means as a formula; empty if it isn't understood
/// @param base in which its digits are written; empty: none is named
/// @param isPercent whether it is a percentage, and the value what stands before the sign
record FreeAnswer(
        String plain, Optional<MathValue> value, Optional<BigInteger> base, boolean isPercent) {
    private static final Pattern MONEY = Pattern.compile("\\\\?\\$|[£€¥₹]|\\\\pounds|\\\\euro");
    private static final Pattern DEGREES =
            Pattern.compile(
                    "\\^\\s*\\{?\\s*\\\\circ\\s*}?|°|\\\\degree|\\s*\\\\text\\{\\s*degrees?\\s*}");
    private static final Pattern STYLE =
            Pattern.compile(
                    "\\\\(?:text(?:bf|it|rm|normal)?|math(?:rm|bf|it|sf)|mbox|operatorname)\\s*\\{([^{}]*)}");
    private static final Pattern THIN =
            Pattern.compile(
                    "(?<=\\d)\\s*(?:\\{,}|\\\\!\\s*,|,\\s*\\\\!|\\\\,|\\\\!|\\\\"
                            + " )\\s*(?=\\d{3}(?!\\d))");
    private static final Pattern THOUSANDS =
            Pattern.compile("[-+]?\\d{1,3}(?:,\\d{3})+(?:\\.\\d+)?");
    private static final Pattern MIXED = Pattern.compile("(-?)(\\d+)\\s+(\\d+)\\s*/\\s*(\\d+)");
    private static final Pattern MIXED_LATEX =
            Pattern.compile("(-?)(\\d+)\\s*\\\\[dtc]?frac\\s*\\{?(\\d+)}?\\s*\\{?(\\d+)}?");
    private static final Pattern SCIENTIFIC =
            Pattern.compile("([-+]?\\d+(?:\\.\\d+)?)[eE]([-+]?\\d+)");
    private static final Pattern BASE =
            Pattern.compile("([0-9A-Za-z]+)_\\s*\\{?\\s*(\\d{1,2})\\s*}?");
    private static final Pattern PERCENT =
            Pattern.compile("\\s*(?:\\\\?%|\\\\text\\{\\s*percent\\s*}|percent)\\s*$");
    private static final Pattern MEMBER = Pattern.compile("^\\s*[A-Za-z]\\s*\\\\in\\b");
    private static final Pattern NAMED_TUPLE =
            Pattern.compile("^\\s*\\(\\s*[a-z](?:\\s*,\\s*[a-z])+\\s*\\)\\s*=");
    private static final Pattern ASSIGNMENT =
            Pattern.compile(
                    "(^|,|\\\\text\\{\\s*(?:or|and)\\s*}|\\b(?:or|and)\\b)\\s*[A-Za-z]\\s*=");
    private static final Pattern WORDS = Pattern.compile("[\\p{L}' -]{3,}");
    private static final Pattern REPEATING =
            Pattern.compile("(-?)(\\d*)\\.(\\d*)\\\\(?:overline|bar|dot)\\s*\\{(\\d+)}");
    private static final Pattern TEXT_ALONE =
            Pattern.compile("\\\\(?:text|mbox)\\s*\\{([^{}]*\\d[^{}]*)}");
    private static final Pattern UNIT_WORDS =
            Pattern.compile("([-+]?[\\d.,/]+)\\s+[A-Za-z][A-Za-z ]*(?:\\^?\\{?[23]}?)?");

    /// @param written without box and marks of formulas
    static FreeAnswer of(String written) {
        String text = bare(written);
        Matcher base = BASE.matcher(text);
        if (base.matches()) {
            return new FreeAnswer(plain(text), Optional.empty(), inBase(base), false);
        }
        String number = PERCENT.matcher(text).replaceFirst("");
        boolean percent = !number.equals(text);
        return new FreeAnswer(plain(text), value(number), Optional.empty(), percent);
    }

    /// Removes what stands around an answer, money and degrees.
    private static String bare(String written) {
        String text = written.strip().replaceAll("^\\*+|\\*+$", "");
        text = text.replaceFirst("^\\\\\\(|^\\\\\\[", "").replaceFirst("\\\\\\)$|\\\\]$", "");
        text = MONEY.matcher(text).replaceAll("");
        text = DEGREES.matcher(text).replaceAll("");
        text = THIN.matcher(text).replaceAll("");
        return text.strip().replaceFirst("(?<=[\\d}a-zA-Z)])\\.$", "").strip();
    }

    private static Optional<BigInteger> inBase(Matcher base) {
        int radix = Integer.parseInt(base.group(2));
        try {
            return Optional.of(
                    new BigInteger(base.group(1), radix)
                            .shiftLeft(8)
                            .add(BigInteger.valueOf(radix))); // equal digits of other bases differ
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    private static Optional<MathValue> value(String number) {
        String text = number;
        if (THOUSANDS.matcher(text).matches()) {
            text = text.replace(",", "");
        }
        Matcher alone = TEXT_ALONE.matcher(text);
        text = alone.matches() ? alone.group(1).strip() : text;
        text = repeating(mixed(MIXED, mixed(MIXED_LATEX, text)));
        Matcher scientific = SCIENTIFIC.matcher(text);
        if (scientific.matches()) {
            text = scientific.group(1) + "\\times 10^{" + scientific.group(2) + "}";
        }
        text = text.replaceFirst("^\\s*(?:\\\\approx|≈)\\s*", "");
        text = MEMBER.matcher(text).replaceFirst("");
        text = NAMED_TUPLE.matcher(text).replaceFirst("");
        if (ASSIGNMENT.matcher(text).results().count() > 1) {
            text = ASSIGNMENT.matcher(text).replaceAll("$1");
        }
        if (text.indexOf("\\pm") >= 0 && text.indexOf("\\pm") == text.lastIndexOf("\\pm")) {
            text = signed(text, "+", "-") + "," + signed(text, "-", "+");
        }
        Matcher unit = UNIT_WORDS.matcher(text);
        text = unit.matches() ? unit.group(1) : text;
        String latex = AnswerLatex.plain(text.replaceFirst("^\\+", ""), true);
        return latex.isEmpty() ? Optional.empty() : MathReader.read(latex);
    }

    private static String signed(String text, String sign, String opposite) {
        return text.replace("\\pm", sign).replace("\\mp", opposite).replaceFirst("^\\s*\\+", "");
    }

    private static String mixed(Pattern pattern, String text) {
        Matcher mixed = pattern.matcher(text);
        if (!mixed.matches()) {
            return text;
        }
        BigInteger below = new BigInteger(mixed.group(4));
        BigInteger above =
                new BigInteger(mixed.group(2)).multiply(below).add(new BigInteger(mixed.group(3)));
        return "%s\\frac{%s}{%s}".formatted(mixed.group(1), above, below);
    }

    /// Writes a repeating decimal as a fraction: `0.1\overline{6}` as `(16 − 1) / 90`.
    private static String repeating(String text) {
        Matcher match = REPEATING.matcher(text);
        if (!match.matches()) {
            return text;
        }
        String before = match.group(2) + match.group(3);
        BigInteger once = new BigInteger(before.isEmpty() ? "0" : before);
        BigInteger more = new BigInteger("0" + before + match.group(4));
        BigInteger below =
                BigInteger.TEN
                        .pow(match.group(4).length())
                        .subtract(BigInteger.ONE)
                        .multiply(BigInteger.TEN.pow(match.group(3).length()));
        return "%s\\frac{%s}{%s}".formatted(match.group(1), more.subtract(once), below);
    }

    private static String plain(String text) {
        String words = text;
        for (int depth = 0; depth < 3; depth++) {
            words =
                    STYLE.matcher(words)
                            .replaceAll(match -> Matcher.quoteReplacement(match.group(1)));
        }
        words = words.replaceAll("\\\\left|\\\\right|\\\\[,;!: ]", "").replaceAll("\\s+", " ");
        words = words.strip().replaceFirst("^\\(([A-Za-z])\\)$", "$1").replaceFirst("\\.$", "");
        return words.toLowerCase(Locale.ROOT);
    }

    /// Whether an answer says the same as this right one.
    boolean matches(FreeAnswer other) {
        if (!plain.isEmpty() && plain.equals(other.plain)) {
            return true;
        }
        if (plain.length() == 1 && Character.isLetter(plain.charAt(0)) && other.chooses(plain)) {
            return true;
        }
        if (base.isPresent() || other.base.isPresent()) {
            return base.isPresent() && base.equals(other.base);
        }
        if (WORDS.matcher(plain).matches() || value.isEmpty() || other.value.isEmpty()) {
            return false;
        }
        return means(value.get(), other.value.get())
                || isPercent != other.isPercent && percentMeans(other);
    }

    /// Whether the answer begins with a letter that is chosen, as `(B) 12` and `B) 12` do.
    private boolean chooses(String letter) {
        return plain.startsWith("(" + letter + ")") || plain.matches(letter + "\\s?[).:](?!\\d).*");
    }

    /// Half of something is 50 percent of it, also where one side says only 0.5.
    private boolean percentMeans(FreeAnswer other) {
        return value.get() instanceof MathTerm own
                && other.value.get() instanceof MathTerm given
                && means(isPercent ? own.percent() : own, isPercent ? given : given.percent());
    }

    private static boolean means(MathValue a, MathValue b) {
        return MathEquality.means(a, b) || MathEquality.means(b, a);
    }
}
