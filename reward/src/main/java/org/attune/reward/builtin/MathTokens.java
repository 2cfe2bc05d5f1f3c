package org.attune.reward.builtin;

import java.util.ArrayList;
import java.util.List;

/// Where the pieces of a formula in LaTeX begin and end.
final class MathTokens {
    private static final List<String> SPACES =
            List.of("\\quad", "\\qquad", "\\,", "\\;", "\\:", "\\ ");

    private MathTokens() {}

    /// The name behind the backslash at `at`, without it.
    static String command(String text, int at) {
        int end = at + 1;
        while (end < text.length() && isLetter(text.charAt(end))) {
            end++;
        }
        return text.substring(Math.min(at + 1, text.length()), end);
    }

    private static boolean isLetter(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
    }

    static int endOfDigits(String text, int at) {
        int end = at;
        while (end < text.length() && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
            end++;
        }
        return end;
    }

    static int endOfSpace(String text, int from) {
        int at = from;
        while (at < text.length()) {
            int place = at;
            String space =
                    SPACES.stream()
                            .filter(one -> text.startsWith(one, place))
                            .filter(
                                    one ->
                                            !isLetter(one.charAt(one.length() - 1))
                                                    || command(text, place)
                                                            .equals(one.substring(1)))
                            .findFirst()
                            .orElse("");
            if (space.isEmpty() && text.charAt(at) != ' ') {
                return at;
            }
            at += Math.max(1, space.length());
        }
        return at;
    }

    /// Where the bracket at `open` closes, with a bracket of any kind; -1 if nowhere.
    static int closing(String text, int open) {
        int depth = 0;
        for (int i = open; i < text.length(); i++) {
            depth += step(text.charAt(i));
            if (depth == 0) {
                return i;
            }
        }
        return -1;
    }

    private static int step(char c) {
        return "([{".indexOf(c) >= 0 ? 1 : ")]}".indexOf(c) >= 0 ? -1 : 0;
    }

    /// What stands between the separators outside of brackets.
    static List<String> split(String text, String... separators) {
        var pieces = new ArrayList<String>();
        int depth = 0;
        int from = 0;
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i);
            depth += step(c);
            int place = i;
            if (c == '\\' && i + 1 < text.length() && ",;:".indexOf(text.charAt(i + 1)) >= 0) {
                i += 2; // a space
                continue;
            }
            String found = depth == 0 ? at(text, place, separators) : "";
            if (!found.isEmpty()) {
                pieces.add(text.substring(from, i));
                i += found.length();
                from = i;
            } else {
                i++;
            }
        }
        pieces.add(text.substring(from));
        return pieces;
    }

    /// The separator at `place`, or "": a command ends where its letters end.
    static String at(String text, int place, String... separators) {
        for (String separator : separators) {
            if (text.startsWith(separator, place)
                    && (!separator.startsWith("\\")
                            || command(text, place).equals(separator.substring(1)))) {
                return separator;
            }
        }
        return "";
    }
}
