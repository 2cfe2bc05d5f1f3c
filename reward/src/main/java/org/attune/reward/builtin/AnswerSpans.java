package org.attune.reward.builtin;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Where formulas stand in a text: between `$`, `$$`, `\(` and `\)`, `\[` and `\]`, or a
/// fraction of numbers alone.
final class AnswerSpans {
    private static final Pattern PERCENT =
            Pattern.compile("\\s*(\\\\?%|[Pp]ercentage|[Pp]ercent|[Pp]ct)?");
    private static final Pattern FRACTION =
            Pattern.compile("-?\\\\frac\\{-?\\d+(?:[.,]\\d+)?}\\{-?\\d+(?:[.,]\\d+)?}");
    private static final Pattern BESIDE = Pattern.compile("\\s*(?:,?and|,?or|,)\\s*");
    private static final Pattern BOX = Pattern.compile("(?s)\\\\boxed\\{.+?}");
    private static final int MOST = 6;

    private final String text;
    private final boolean boxed;

    /// @param boxed whether only formulas with a box count
    AnswerSpans(String text, boolean boxed) {
        this.text = text;
        this.boxed = boxed;
    }

    /// Formulas side by side, which are one answer.
    ///
    /// @param end behind the last
    record Span(int start, int end, List<Formula> formulas) {}

    /// @param percent whether a percent sign follows
    record Formula(String latex, boolean percent, int end) {}

    /// All formulas, from the left.
    List<Span> all() {
        var spans = new ArrayList<Span>();
        int at = 0;
        while (at < text.length()) {
            Optional<Span> span = at(at);
            span.ifPresent(spans::add);
            at = span.map(Span::end).orElse(at + 1);
        }
        return spans;
    }

    /// The span that begins at `start`.
    Optional<Span> at(int start) {
        Formula first = formula(start);
        if (first == null) {
            return Optional.empty();
        }
        var formulas = new ArrayList<>(List.of(first));
        int end = first.end();
        while (formulas.size() < MOST) {
            Matcher beside = BESIDE.matcher(text).region(end, text.length());
            Formula next = beside.lookingAt() ? formula(beside.end()) : null;
            if (next == null) {
                break;
            }
            formulas.add(next);
            end = next.end();
        }
        return Optional.of(new Span(start, end, formulas));
    }

    private Formula formula(int start) {
        if (start >= text.length()) {
            return null;
        }
        char before = start == 0 ? ' ' : text.charAt(start - 1);
        char c = text.charAt(start);
        Formula found = null;
        if (c == '$' && before != '\\') {
            found = between(start, "$$", "$$", true);
            if (found == null && !Character.isDigit(before)) {
                found = between(start, "$", "$", false);
            }
        } else if (c == '\\' && before != '\\') {
            found = between(start, "\\[", "\\]", true);
            found = found == null ? between(start, "\\(", "\\)", false) : found;
        } else if (Character.isWhitespace(c) && text.startsWith("[", start + 1)) {
            int end = text.indexOf(']', start + 2);
            String inside = end < 0 ? "" : text.substring(start + 2, end);
            boolean whole =
                    !inside.isEmpty()
                            && inside.indexOf('[') < 0
                            && inside.indexOf('\n') < 0
                            && end + 1 < text.length()
                            && Character.isWhitespace(text.charAt(end + 1));
            found = whole ? formula(inside, end + 2) : null;
        }
        if (found == null && !boxed && (c == '-' || c == '\\')) {
            Matcher fraction = FRACTION.matcher(text).region(start, text.length());
            found = fraction.lookingAt() ? formula(fraction.group(), fraction.end()) : null;
        }
        return found;
    }

    private Formula between(int start, String open, String close, boolean lines) {
        if (!text.startsWith(open, start)) {
            return null;
        }
        int from = start + open.length();
        int end = from;
        do {
            end = text.indexOf(close, end + 1);
        } while (end > 0 && text.charAt(end - 1) == '\\');
        if (end < 0) {
            return null;
        }
        String inside = text.substring(from, end);
        boolean whole =
                (lines || inside.indexOf('\n') < 0)
                        && (lines || !open.equals("$") || !inside.replace("\\$", "").contains("$"))
                        && (!boxed || BOX.matcher(inside).find());
        return whole ? formula(inside, end + close.length()) : null;
    }

    private Formula formula(String latex, int end) {
        Matcher percent = PERCENT.matcher(text).region(end, text.length());
        return percent.lookingAt()
                ? new Formula(latex, percent.group(1) != null, percent.end())
                : new Formula(latex, false, end);
    }
}
