package org.attune.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/// Python's string functions. Positions and lengths count code points.
final class Strings {
    private static final int PIECE = 128;

    /// Characters that are looked for one after the other.
    private static final int FEW = 16;

    private Strings() {}

    /// Python's idea of white space; Java's knows neither U+00A0 nor U+0085.
    static boolean isSpace(int c) {
        return switch (c) {
            case ' ', '\t', '\n', 0x0b, '\f', '\r', 0x1c, 0x1d, 0x1e, 0x1f, 0x85 -> true;
            default -> c > 0x7f && Character.isSpaceChar(c);
        };
    }

    private static boolean isLineEnd(int c) {
        return switch (c) {
            case '\n', 0x0b, '\f', '\r', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029 -> true;
            default -> false;
        };
    }

    static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /// The UTF-16 index of a code point's index between 0 and [#length].
    static int index(String text, int codePoint) {
        return text.offsetByCodePoints(0, codePoint);
    }

    static String strip(String text) {
        return stripStart(stripEnd(text));
    }

    static String stripStart(String text) {
        return stripStart(text, Strings::isSpace);
    }

    static String stripEnd(String text) {
        return stripEnd(text, Strings::isSpace);
    }

    static String stripStart(String text, IntPredicate unwanted) {
        int start = 0;
        while (start < text.length() && unwanted.test(text.codePointAt(start))) {
            start += Character.charCount(text.codePointAt(start));
        }
        return text.substring(start);
    }

    static String stripEnd(String text, IntPredicate unwanted) {
        int end = text.length();
        while (end > 0 && unwanted.test(text.codePointBefore(end))) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(0, end);
    }

    /// A test for the characters of `set`; white space if `set` is null.
    static IntPredicate members(String set) {
        if (set == null) {
            return Strings::isSpace;
        }
        Budget.slowCharacters(set.length());
        if (set.length() <= FEW) {
            return c -> set.indexOf(c) >= 0;
        }
        Set<Integer> characters = set.codePoints().boxed().collect(Collectors.toSet());
        return characters::contains;
    }

    /// Splits at runs of white space (none of which is beyond the basic plane).
    ///
    /// @param limit most splits; negative for no limit
    static List<Object> splitWords(String text, long limit) {
        Budget.slowCharacters(text.length());
        var parts = new Parts();
        int at = 0;
        while (true) {
            while (at < text.length() && isSpace(text.charAt(at))) {
                at++;
            }
            if (at == text.length()) {
                return parts.list;
            }
            if (limit >= 0 && parts.size() >= limit) {
                parts.add(stripEnd(text.substring(at)));
                return parts.list;
            }
            int start = at;
            while (at < text.length() && !isSpace(text.charAt(at))) {
                at++;
            }
            parts.add(text.substring(start, at));
        }
    }

    /// Splits at runs of white space, from the end.
    static List<Object> splitWordsFromEnd(String text, long limit) {
        Budget.slowCharacters(text.length());
        var parts = new Parts();
        int at = text.length();
        while (true) {
            while (at > 0 && isSpace(text.charAt(at - 1))) {
                at--;
            }
            if (at == 0) {
                break;
            }
            if (limit >= 0 && parts.size() >= limit) {
                parts.add(stripStart(text.substring(0, at)));
                break;
            }
            int end = at;
            while (at > 0 && !isSpace(text.charAt(at - 1))) {
                at--;
            }
            parts.add(text.substring(at, end));
        }
        Collections.reverse(parts.list);
        return parts.list;
    }

    static List<Object> split(String text, String separator, long limit) {
        requireSeparator(separator);
        var search = new TextSearch(separator);
        var parts = new Parts();
        int from = 0;
        int found = search.next(text, 0);
        while (found >= 0 && (limit < 0 || parts.size() < limit)) {
            parts.add(text.substring(from, found));
            from = found + separator.length();
            found = search.next(text, from);
        }
        parts.add(text.substring(from));
        return parts.list;
    }

    static List<Object> splitFromEnd(String text, String separator, long limit) {
        List<Object> parts = split(reversed(text), reversed(separator), limit);
        parts.replaceAll(part -> reversed((String) part));
        Collections.reverse(parts);
        return parts;
    }

    private static String reversed(String text) {
        Budget.characters(text.length());
        return new StringBuilder(text).reverse().toString();
    }

    /// The parts of a text that is being cut.
    private static final class Parts {
        private final List<Object> list = new ArrayList<>();

        void add(String part) {
            Budget.items(1);
            Limits.requireItems(list.size());
            list.add(part);
        }

        int size() {
            return list.size();
        }
    }

    static void requireSeparator(String separator) {
        if (separator.isEmpty()) {
            throw JinjaException.value("empty separator");
        }
    }

    static List<Object> splitLines(String text, boolean keepEnds) {
        Budget.slowCharacters(text.length());
        var lines = new Parts();
        int start = 0;
        int i = 0;
        while (i < text.length()) {
            if (!isLineEnd(text.charAt(i))) {
                i++;
                continue;
            }
            boolean pair = text.startsWith("\r\n", i);
            int next = i + (pair ? 2 : 1);
            lines.add(text.substring(start, keepEnds ? next : i));
            start = next;
            i = next;
        }
        if (start < text.length()) {
            lines.add(text.substring(start));
        }
        return lines.list;
    }

    /// @param limit most replacements; negative for no limit
    static String replace(String text, String old, String with, long limit) {
        if (limit == 0) {
            return text;
        }
        if (!old.isEmpty()) {
            List<Object> parts = split(text, old, limit);
            Budget.characters(text.length() + (double) parts.size() * with.length());
            return joined(parts, with);
        }
        Budget.slowCharacters(text.length() * (1.0 + with.length()));
        var out = new StringBuilder();
        long left = limit < 0 ? Long.MAX_VALUE : limit;
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            if (left-- > 0) {
                out.append(with);
            }
            out.appendCodePoint(text.codePointAt(i));
        }
        return left > 0 ? out.append(with).toString() : out.toString();
    }

    private static String joined(List<Object> parts, String separator) {
        var out = new StringBuilder();
        for (int i = 0; i < parts.size(); i++) {
            out.append(i == 0 ? "" : separator).append(parts.get(i));
        }
        return out.toString();
    }

    static String repeat(String text, long times) {
        Budget.characters((double) text.length() * Math.max(0, times));
        return times <= 0 || text.isEmpty() ? "" : text.repeat((int) times);
    }

    static String upper(String text) {
        return inPieces(text, piece -> piece.toUpperCase(Locale.ROOT));
    }

    static String lower(String text) {
        return inPieces(text, piece -> piece.toLowerCase(Locale.ROOT));
    }

    /// Changes a long text's case piece by piece: Java copies all of it for each character that
    /// becomes two.
    private static String inPieces(String text, UnaryOperator<String> function) {
        if (text.length() <= PIECE) {
            return function.apply(text);
        }
        var out = new StringBuilder(text.length());
        int from = 0;
        while (from < text.length()) {
            int to = Math.min(from + PIECE, text.length());
            // At a space where there is one: a sigma's small form depends on its neighbours.
            int space = from + text.substring(from, to).lastIndexOf(' ');
            if (to < text.length() && space > from) {
                to = space;
            } else if (to < text.length() && Character.isLowSurrogate(text.charAt(to))) {
                to++;
            }
            out.append(function.apply(text.substring(from, to)));
            from = to;
        }
        return out.toString();
    }

    static String swapCase(String text) {
        var out = new StringBuilder();
        text.codePoints()
                .forEach(
                        c -> {
                            String s = Character.toString(c);
                            out.append(Character.isUpperCase(c) ? lower(s) : upper(s));
                        });
        return out.toString();
    }

    /// The first character in title case, the others in lower case.
    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int end = text.offsetByCodePoints(0, 1);
        return titleCase(text.codePointAt(0)) + lower(text.substring(end));
    }

    private static String titleCase(int c) {
        int title = Character.toTitleCase(c);
        if (title != c) {
            return Character.toString(title);
        }
        String upper = upper(Character.toString(c));
        return upper.length() > 1 ? capitalize(upper) : upper; // ß becomes Ss
    }

    /// Python's `str.title`: every run of letters starts in title case.
    static String title(String text) {
        var out = new StringBuilder();
        boolean inWord = false;
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            int c = text.codePointAt(i);
            boolean cased =
                    Character.isUpperCase(c)
                            || Character.isLowerCase(c)
                            || Character.isTitleCase(c);
            out.append(inWord ? lower(Character.toString(c)) : titleCase(c));
            inWord = cased;
        }
        return out.toString();
    }

    /// Whether `text` isn't empty and every character passes.
    static boolean all(String text, IntPredicate test) {
        return !text.isEmpty() && text.codePoints().allMatch(test);
    }

    static boolean isDigit(int c) {
        return Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER
                || Character.getType(c) == Character.OTHER_NUMBER
                        && Character.digit(superscript(c), 10) >= 0;
    }

    private static int superscript(int c) {
        return java.text.Normalizer.normalize(Character.toString(c), java.text.Normalizer.Form.NFKC)
                .codePointAt(0);
    }

    static boolean isNumeric(int c) {
        return switch (Character.getType(c)) {
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
                    true;
            default -> false;
        };
    }

    /// Whether there are cased characters and all of them are of this case.
    static boolean isCased(String text, boolean upper) {
        boolean found = false;
        for (int c : text.codePoints().toArray()) {
            if (upper ? Character.isLowerCase(c) : Character.isUpperCase(c)) {
                return false;
            }
            found |= upper ? Character.isUpperCase(c) : Character.isLowerCase(c);
        }
        return found;
    }

    /// Fills up to `width` code points.
    static String pad(String text, long width, String fill, Align align) {
        Budget.characters(Math.max(0, width));
        if (length(fill) != 1) {
            throw JinjaException.type("The fill character must be exactly one character long");
        }
        long missing = width - length(text);
        if (missing <= 0) {
            return text;
        }
        long left =
                switch (align) {
                    case LEFT -> 0;
                    case RIGHT -> missing;
                    case CENTER -> missing / 2 + (missing & width & 1);
                };
        return repeat(fill, left) + text + repeat(fill, missing - left);
    }

    /// Where the text stands in a padded field.
    enum Align {
        LEFT,
        RIGHT,
        CENTER
    }
}
