package org.attune.cli.terminal;

import java.util.ArrayList;
import java.util.List;

/// Text of a model's making for a line of a terminal: nothing in it moves the cursor, rings,
/// colours or turns the direction of reading.
public final class VisibleText {
    private static final String CUT = "…";

    private VisibleText() {}

    /// Control and formatting characters as escapes: `\n`, `\t`, `\u001b`.
    public static String of(String text) {
        var shown = new StringBuilder();
        text.codePoints()
                .forEach(
                        c -> {
                            switch (c) {
                                case '\n' -> shown.append("\\n");
                                case '\r' -> shown.append("\\r");
                                case '\t' -> shown.append("\\t");
                                default -> {
                                    if (isInvisible(c)) {
                                        shown.append("\\u%04x".formatted(c));
                                    } else {
                                        shown.appendCodePoint(c);
                                    }
                                }
                            }
                        });
        return shown.toString();
    }

    /// Makes control characters of a text visible, but leaves line feeds and tabs as they are.
    public static String ofLines(String text) {
        var shown = new StringBuilder();
        int from = 0;
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) == '\n' || text.charAt(i) == '\t') {
                shown.append(of(text.substring(from, i))).append(text.charAt(i));
                from = i + 1;
            }
        }
        return shown.append(of(text.substring(from))).toString();
    }

    /// Lines of at most so many columns, broken at spaces; a longer word has its own line.
    public static List<String> wrap(String text, int columns) {
        List<String> lines = new ArrayList<>();
        var line = new StringBuilder();
        for (String word : text.split(" ")) {
            if (!line.isEmpty() && width(line.toString()) + 1 + width(word) > columns) {
                lines.add(line.toString());
                line.setLength(0);
            }
            line.append(line.isEmpty() ? "" : " ").append(word);
        }
        lines.add(line.toString());
        return lines;
    }

    private static boolean isInvisible(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.PRIVATE_USE,
                    Character.SURROGATE,
                    Character.UNASSIGNED ->
                    true;
            default -> false;
        };
    }

    /// Columns of a terminal that the text takes.
    static int width(String text) {
        return text.codePoints().map(VisibleText::width).sum();
    }

    private static int width(int c) {
        int type = Character.getType(c);
        if (type == Character.NON_SPACING_MARK || type == Character.ENCLOSING_MARK) {
            return 0;
        }
        boolean wide =
                c >= 0x1100 && c <= 0x115f // Hangul's leading consonants
                        || c >= 0x2e80 && c <= 0xa4cf // Chinese, Japanese
                        || c >= 0xac00 && c <= 0xd7a3 // Hangul
                        || c >= 0xf900 && c <= 0xfaff
                        || c >= 0xfe30 && c <= 0xfe6f
                        || c >= 0xff00 && c <= 0xff60
                        || c >= 0x1f300 && c <= 0x1faff // pictures
                        || c >= 0x20000 && c <= 0x3fffd;
        return wide ? 2 : 1;
    }

    /// The text if it fits, else its beginning and `…`.
    ///
    /// @param columns at least 1
    public static String fit(String text, int columns) {
        if (width(text) <= columns) {
            return text;
        }
        var cut = new StringBuilder();
        int used = 0;
        for (int c : text.codePoints().toArray()) {
            used += width(c);
            if (used > columns - 1) {
                break;
            }
            cut.appendCodePoint(c);
        }
        return cut + CUT;
    }
}
