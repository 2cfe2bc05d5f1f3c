package org.attune.reward.builtin;

import java.util.ArrayList;
import java.util.List;

/// What stands in a text's boxes, `\boxed{…}` and `\fbox{…}`.
final class AnswerBoxes {
    private static final int BESIDE = 10;
    private static final int NEAR = 70;

    private AnswerBoxes() {}

    static boolean any(String text) {
        return text.contains("\\boxed") || text.contains("\\fbox");
    }

    /// @param from    where the box begins
    /// @param end     behind its closing bracket
    private record Box(int from, int end, String content) {}

    /// All boxes' contents with commas between, each once in a row; the text itself where there is
    /// none.
    ///
    /// @param all whether boxes that are far from the last one count too
    static String contents(String text, boolean all) {
        if (!any(text)) {
            return text;
        }
        var found = new ArrayList<Box>(); // from the last
        int before = text.length();
        int limit = text.length();
        while (true) {
            int from =
                    Math.max(
                            text.lastIndexOf("\\boxed", before - 1),
                            text.lastIndexOf("\\fbox", before - 1));
            if (from < 0 || before == 0) {
                break;
            }
            int open = open(text, from, limit);
            int close = open < limit && text.charAt(open) == '{' ? closing(text, open, limit) : -1;
            if (close < 0) {
                if (found.isEmpty() && open < limit) {
                    return text.substring(open);
                }
                break;
            }
            var box = new Box(from, close + 1, text.substring(open + 1, close).strip());
            if (!all && !found.isEmpty() && !belongs(text, box, found.getLast())) {
                break;
            }
            found.add(box);
            before = from;
            limit = from;
        }
        List<String> contents = new ArrayList<>();
        for (Box box : found.reversed()) {
            if (contents.isEmpty() || !contents.getLast().equals(box.content())) {
                contents.add(box.content());
            }
        }
        return contents.isEmpty() ? text : String.join(",", contents);
    }

    /// Where the bracket opens behind the command at `from`.
    private static int open(String text, int from, int limit) {
        int at = from + (text.startsWith("\\boxed", from) ? "\\boxed" : "\\fbox").length();
        while (at < limit && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return at;
    }

    private static int closing(String text, int open, int limit) {
        int depth = 0;
        for (int i = open; i < limit; i++) {
            depth += text.charAt(i) == '{' ? 1 : text.charAt(i) == '}' ? -1 : 0;
            if (depth == 0) {
                return i;
            }
        }
        return -1;
    }

    /// Whether a box is one answer with the next: beside it, or near behind a comma or a word.
    private static boolean belongs(String text, Box box, Box next) {
        String between = text.substring(box.end(), Math.max(box.end(), next.from()));
        return between.length() < BESIDE
                || between.length() < NEAR
                        && !next.content().equals(box.content())
                        && between.matches("(?s).*(?:\\b(?:and|or)\\b|,|;).*");
    }
}
