package org.attune.error;

/// A value as messages show it: files of strangers hold values of any length.
public final class Excerpt {
    private static final int LONGEST = 100;

    private Excerpt() {}

    /// The value's text, its end left out if it is long, without control characters.
    public static String of(Object value) {
        String text = String.valueOf(value);
        String begin = text.length() > LONGEST ? text.substring(0, LONGEST) + "…" : text;
        return begin.codePoints()
                .map(c -> Character.isISOControl(c) ? '\ufffd' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }
}
