package org.attune.error;

/// A value as messages show it: files of strangers hold values of any length.
public final class Excerpt {
    private static final int LONGEST = 100;

    private Excerpt() {}

    /// The beginning of a text that is longer. No character is cut in halves.
    ///
    /// @param longest characters, of Java's, that are kept
    public static String begin(String text, int longest) {
        if (text.length() <= longest) {
            return text;
        }
        boolean halves = longest > 0 && Character.isHighSurrogate(text.charAt(longest - 1));
        return text.substring(0, halves ? longest - 1 : longest) + "…";
    }

    /// The value's text, its end left out if it is long, without control characters.
    public static String of(Object value) {
        return begin(String.valueOf(value), LONGEST)
                .codePoints()
                .map(c -> Character.isISOControl(c) ? '\ufffd' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }
}
