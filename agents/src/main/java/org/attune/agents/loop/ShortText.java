package org.attune.agents.loop;

import org.attune.text.Tokenizer;

/// Shortens what tools answer.
final class ShortText {
    /// A token has so many characters at most, except for white space. Longer
    /// texts are cut before they are encoded.
    private static final int CHARACTERS = 32;

    private ShortText() {}

    /// A text of at most so many tokens, or a little more with the notice: its middle is left out.
    ///
    /// @param most tokens, ≥ 2
    static String shortened(String text, int most, Tokenizer tokenizer) {
        long longest = (long) CHARACTERS * most;
        String head = text;
        String tail = "";
        if (text.length() > 2 * longest) {
            head = text.substring(0, whole(text, (int) longest));
            tail = text.substring(whole(text, text.length() - (int) longest));
        } else {
            Tokenizer.Encoding all = tokenizer.encodeAsText(text);
            if (all.ids().length <= most) {
                return text;
            }
            return joined(text, all.end()[most / 2 - 1], all.start()[all.ids().length - most / 2]);
        }
        Tokenizer.Encoding first = tokenizer.encodeAsText(head);
        Tokenizer.Encoding last = tokenizer.encodeAsText(tail);
        int half = most / 2;
        int end = first.ids().length <= half ? head.length() : first.end()[half - 1];
        int start =
                text.length()
                        - tail.length()
                        + (last.ids().length <= half ? 0 : last.start()[last.ids().length - half]);
        return joined(text, end, start);
    }

    private static String joined(String text, int end, int start) {
        int to = whole(text, end);
        int from = whole(text, Math.max(start, end));
        return "%s … %d characters left out … %s"
                .formatted(text.substring(0, to), from - to, text.substring(from));
    }

    /// A place at or before `at` that doesn't divide a character.
    private static int whole(String text, int at) {
        boolean divides =
                at > 0
                        && at < text.length()
                        && Character.isLowSurrogate(text.charAt(at))
                        && Character.isHighSurrogate(text.charAt(at - 1));
        return divides ? at - 1 : at;
    }
}
