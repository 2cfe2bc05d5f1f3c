package org.attune.reward.builtin;

import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Where an answer stands in a text that someone wrote: in its last box, between `<answer>` tags,
/// behind `####`, behind "the answer is", in its last formula, or else its last number. The first
/// of these places that there is counts. Thinking before `</think>` is passed over.
final class AnswerPlaces {
    // What stands further from the end isn't the answer, and would take long to search.
    private static final int LONGEST = 20_000;
    private static final int SHORT = 200;
    private static final String THOUGHT = "</think>";
    private static final Pattern TAGS = Pattern.compile("<answer>([^<]*)</answer>");
    private static final Pattern HASHES = Pattern.compile("####\\s*([^\\n]*)");
    private static final Pattern PHRASE =
            Pattern.compile(
                    "(?i)\\banswer\\b[*_ ]{0,4}(?:is\\b|[:=])[*_ ]{0,4}(?:is\\b|:)?([^\\n]*)");
    private static final Pattern FORMULA =
            Pattern.compile(
                    "\\$\\$([^$]+)\\$\\$|(?<![\\\\\\d])\\$([^$\\n"
                            + "]+)\\$(?!\\d)|\\\\\\(([^\\n"
                            + "]*?)\\\\\\)|\\\\\\[([^$]*?)\\\\]");
    private static final String DIGITS = "(?:\\d{1,3}(?:,\\d{3})+|\\d+)(?:\\.\\d+)?|\\.\\d+";
    private static final Pattern NUMBER =
            Pattern.compile(
                    "(?<![\\w.])-?(?:\\d+\\s+\\d+/\\d+|(?:"
                            + DIGITS
                            + ")(?:\\s*/\\s*\\d+)?)(?:\\s*(?:\\\\?%|percent\\b))?");

    private AnswerPlaces() {}

    /// The answer of a completion; empty if it gives none.
    static Optional<String> answer(String completion) {
        int thought = completion.lastIndexOf(THOUGHT);
        int from = thought < 0 ? 0 : thought + THOUGHT.length();
        String text = completion.substring(Math.max(from, completion.length() - LONGEST));
        if (AnswerBoxes.any(text)) {
            return box(text);
        }
        return last(TAGS, text)
                .or(() -> last(HASHES, text))
                .or(() -> last(PHRASE, text).map(AnswerPlaces::sentence))
                .or(() -> last(FORMULA, text))
                .or(() -> last(NUMBER, text));
    }

    /// The right answer in a column: in a box or behind `####`, else all of a short text.
    static Optional<String> right(String column) {
        if (AnswerBoxes.any(column)) {
            return box(column);
        }
        String text = column.strip();
        Optional<String> hashes = last(HASHES, text);
        if (hashes.isPresent() || text.length() > SHORT) {
            return hashes.or(() -> answer(text));
        }
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }

    /// What the last box holds; of a box in a box the inner one.
    private static Optional<String> box(String text) {
        int from = Math.max(text.lastIndexOf("\\boxed"), text.lastIndexOf("\\fbox"));
        int open = text.indexOf('{', from);
        int depth = 0;
        for (int i = Math.max(open, 0); i < text.length() && open >= 0; i++) {
            char c = text.charAt(i);
            boolean escaped = i > 0 && text.charAt(i - 1) == '\\';
            depth += escaped ? 0 : c == '{' ? 1 : c == '}' ? -1 : 0;
            if (depth == 0) {
                return Optional.of(text.substring(open + 1, i)).filter(s -> !s.isBlank());
            }
        }
        return Optional.empty();
    }

    /// Cuts the answer out of the rest of a line.
    private static String sentence(String rest) {
        Matcher formula = FORMULA.matcher(rest);
        if (formula.find() && rest.substring(0, formula.start()).isBlank()) {
            return group(formula.toMatchResult());
        }
        String text = rest.replaceAll("[*`]", "").strip();
        Matcher number = NUMBER.matcher(text.replaceFirst("^\\\\?[$£€¥]\\s*", ""));
        if (number.lookingAt()) {
            return number.group();
        }
        return text.split("\\.\\s|\\s\\((?![A-Za-z]\\))|;|\\bI hope\\b", 2)[0]
                .strip()
                .replaceFirst("\\.$", "");
    }

    private static Optional<String> last(Pattern pattern, String text) {
        List<MatchResult> found = pattern.matcher(text).results().toList();
        return found.isEmpty()
                ? Optional.empty()
                : Optional.of(group(found.getLast())).filter(s -> !s.isBlank());
    }

    private static String group(MatchResult match) {
        for (int g = 1; g <= match.groupCount(); g++) {
            if (match.group(g) != null) {
                return match.group(g).strip();
            }
        }
        return match.group().strip();
    }
}
