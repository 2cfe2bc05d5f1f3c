package org.attune.jinja;

import org.attune.jinja.Builtin.Call;

import java.util.ArrayList;
import java.util.List;

/// The filter `wordwrap`: lines of at most so many characters, cut at white space, after hyphens
/// inside words and before dashes, as Python's `textwrap` cuts.
final class WordWrap {
    private final int width;
    private final boolean breakLongWords;
    private final boolean breakOnHyphens;

    private WordWrap(int width, boolean breakLongWords, boolean breakOnHyphens) {
        this.width = width;
        this.breakLongWords = breakLongWords;
        this.breakOnHyphens = breakOnHyphens;
    }

    static Object filter(Call c) {
        String text = c.lines(0);
        Budget.slowCharacters(2.0 * text.length());
        long width = c.integer(1, 79);
        String lineBreak = c.text(3, "\n");
        var wrap =
                new WordWrap(
                        (int) Math.min(width, Integer.MAX_VALUE / 2),
                        c.truth(2, true),
                        c.truth(4, true));
        var out = new StringBuilder();
        List<Object> paragraphs = Strings.splitLines(text, false);
        for (int i = 0; i < paragraphs.size(); i++) {
            if (width < 1) {
                throw JinjaException.value("invalid width " + width + " (must be > 0)");
            }
            out.append(i == 0 ? "" : lineBreak);
            String separator = "";
            for (String line : wrap.lines((String) paragraphs.get(i))) {
                Budget.characters(separator.length() + (double) line.length());
                out.append(separator).append(line);
                Limits.requireLength(out.length());
                separator = lineBreak;
            }
        }
        return out.toString();
    }

    private List<String> lines(String paragraph) {
        var chunks = new Chunks(paragraph);
        var lines = new ArrayList<String>();
        while (!chunks.isEmpty()) {
            if (!lines.isEmpty() && chunks.peek().isBlank()) {
                chunks.pop();
            }
            String line = line(chunks);
            if (!line.isEmpty()) {
                Budget.items(1);
                lines.add(line);
            }
        }
        return lines;
    }

    /// What is left of a piece of text, from an index on.
    private record Chunk(String all, int from) {
        String text() {
            return all.substring(from);
        }

        boolean isBlank() {
            int at = from;
            while (at < all.length() && Strings.isSpace(all.charAt(at))) {
                at++; // no white space is beyond the basic plane
            }
            return at == all.length();
        }

        /// Whether the chunk has at most `width` characters; looks at no more than twice as many.
        boolean fits(int width) {
            long units = all.length() - (long) from;
            return units <= 2L * width && all.codePointCount(from, all.length()) <= width;
        }
    }

    /// Takes the next line's chunks.
    private String line(Chunks chunks) {
        var line = new ArrayList<String>();
        int length = 0;
        while (!chunks.isEmpty() && chunks.peek().fits(width - length)) {
            length += Strings.length(chunks.peek().text());
            line.add(chunks.pop().text());
        }
        if (!chunks.isEmpty() && !chunks.peek().fits(width)) {
            if (breakLongWords) {
                Chunk chunk = chunks.pop();
                int end = cut(chunk, width - length);
                line.add(chunk.all().substring(chunk.from(), end));
                chunks.push(new Chunk(chunk.all(), end));
            } else if (line.isEmpty()) {
                line.add(chunks.pop().text());
            }
        }
        if (!line.isEmpty() && Strings.strip(line.getLast()).isEmpty()) {
            line.removeLast();
        }
        return String.join("", line);
    }

    /// Where a word that is too long for the space left is cut: after its last hyphen that fits,
    /// if more than hyphens stand before it.
    private int cut(Chunk chunk, int space) {
        int end = chunk.all().offsetByCodePoints(chunk.from(), space);
        if (!breakOnHyphens) {
            return end;
        }
        String fitting = chunk.all().substring(chunk.from(), end);
        int hyphen = fitting.lastIndexOf('-');
        boolean word = hyphen > 0 && fitting.substring(0, hyphen).chars().anyMatch(c -> c != '-');
        return word ? chunk.from() + hyphen + 1 : end;
    }

    /// Words with what may not be cut off, and the white space between them. They are cut out as
    /// they are asked for: together they would take fifty times the text's memory.
    private final class Chunks {
        private final String text;
        private int next;
        private Chunk first;

        Chunks(String text) {
            this.text = text;
        }

        boolean isEmpty() {
            return first == null && next == text.length();
        }

        Chunk peek() {
            if (first == null) {
                int from = next;
                next = isSpace(text.charAt(from)) ? spaceEnd(text, from) : wordEnd(text, from);
                Budget.items(1);
                first = new Chunk(text.substring(from, next), 0);
            }
            return first;
        }

        Chunk pop() {
            Chunk popped = peek();
            first = null;
            return popped;
        }

        /// Puts back what is left of the chunk that was taken last.
        void push(Chunk rest) {
            first = rest;
        }
    }

    private static boolean isSpace(char c) {
        return "\t\n\u000b\f\r ".indexOf(c) >= 0;
    }

    private static int spaceEnd(String text, int from) {
        int to = from;
        while (to < text.length() && isSpace(text.charAt(to))) {
            to++;
        }
        return to;
    }

    private int wordEnd(String text, int from) {
        int run = hyphensEnd(text, from);
        if (breakOnHyphens && isDash(text, from, run)) {
            return run;
        }
        for (int at = from + 1; at < text.length(); at++) {
            if (isSpace(text.charAt(at))) {
                return at;
            }
            if (!breakOnHyphens || text.charAt(at) != '-') {
                continue;
            }
            if (isInsideWord(text, at)) {
                return at + 1;
            }
            // The end of a run of hyphens is looked for once, at its start or where a word began.
            if (run <= at) {
                run = hyphensEnd(text, at);
            }
            if (isDash(text, at, run)) {
                return at;
            }
        }
        return text.length();
    }

    private static int hyphensEnd(String text, int from) {
        int to = from;
        while (to < text.length() && text.charAt(to) == '-') {
            to++;
        }
        return to;
    }

    /// Whether the hyphens from `from` to `to` are a dash between words.
    private static boolean isDash(String text, int from, int to) {
        return to - from >= 2
                && from > 0
                && (isWord(text, from - 1) || "!\"'&.,?".indexOf(text.charAt(from - 1)) >= 0)
                && isWord(text, to);
    }

    /// Whether the hyphen at `at` may end a line: two letters, or a letter on each side of an
    /// earlier hyphen, before it, and letters after it.
    private static boolean isInsideWord(String text, int at) {
        boolean before =
                isLetter(text, at - 1)
                        && (isLetter(text, at - 2)
                                || at >= 3 && text.charAt(at - 2) == '-' && isLetter(text, at - 3));
        int next = at + 2 < text.length() && text.charAt(at + 2) == '-' ? at + 3 : at + 2;
        return before && isLetter(text, at + 1) && isLetter(text, next);
    }

    private static boolean isWord(String text, int at) {
        return at >= 0
                && at < text.length()
                && (text.charAt(at) == '_' || Character.isLetterOrDigit(text.charAt(at)));
    }

    private static boolean isLetter(String text, int at) {
        return isWord(text, at) && text.charAt(at) != '_' && !Character.isDigit(text.charAt(at));
    }
}
