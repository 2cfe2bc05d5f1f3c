package org.attune.jinja;

/// Finds a text in another one in linear time, whatever the two are. Java's own search takes the
/// product of both lengths at worst.
final class TextSearch {
    private static final int SHORT = 16;

    private final String wanted;

    /// For each prefix of the wanted text, the length of its longest proper end that is a prefix
    /// too; null for short ones, which Java finds fast enough.
    private final int[] borders;

    TextSearch(String wanted) {
        this.wanted = wanted;
        this.borders = wanted.length() <= SHORT ? null : borders(wanted);
    }

    /// The first index at or after `from`, or -1. Charges for what it looks at.
    static int first(String text, String wanted, int from) {
        return new TextSearch(wanted).next(text, from);
    }

    /// The last index, or -1. Charges for what it looks at.
    static int last(String text, String wanted) {
        if (wanted.length() <= SHORT) {
            Budget.characters(text.length());
            return text.lastIndexOf(wanted);
        }
        var search = new TextSearch(wanted);
        int last = -1;
        for (int at = search.next(text, 0); at >= 0; at = search.next(text, at + 1)) {
            last = at;
        }
        return last;
    }

    private static int[] borders(String wanted) {
        Budget.slowCharacters(wanted.length());
        int[] borders = new int[wanted.length()];
        int length = 0;
        for (int i = 1; i < borders.length; i++) {
            while (length > 0 && wanted.charAt(i) != wanted.charAt(length)) {
                length = borders[length - 1];
            }
            length += wanted.charAt(i) == wanted.charAt(length) ? 1 : 0;
            borders[i] = length;
        }
        return borders;
    }

    /// The first index at or after `from`, or -1.
    int next(String text, int from) {
        int at = borders == null ? text.indexOf(wanted, from) : nextLong(text, from);
        Budget.characters((at < 0 ? text.length() : at) - Math.min(from, text.length()));
        return at;
    }

    private int nextLong(String text, int from) {
        int matched = 0;
        for (int i = from; i < text.length(); i++) {
            while (matched > 0 && text.charAt(i) != wanted.charAt(matched)) {
                matched = borders[matched - 1];
            }
            matched += text.charAt(i) == wanted.charAt(matched) ? 1 : 0;
            if (matched == wanted.length()) {
                return i - matched + 1;
            }
        }
        return -1;
    }
}
