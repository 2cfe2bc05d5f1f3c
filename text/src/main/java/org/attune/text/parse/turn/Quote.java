package org.attune.text.parse.turn;

import java.util.List;

/// Marks around a string: what closes a call doesn't within one.
///
/// @param open what begins a string
/// @param close what ends it
/// @param escapes whether a backslash keeps the next character from ending it
/// @param endsWithLine whether a line break ends it too, since it may hold none
public record Quote(String open, String close, boolean escapes, boolean endsWithLine) {
    /// Strings of JSON.
    public static final List<Quote> JSON = List.of(new Quote("\"", "\"", true, true));

    /// Strings of Python.
    public static final List<Quote> PYTHON =
            List.of(new Quote("\"", "\"", true, true), new Quote("'", "'", true, true));

    /// Follows a text from a place on and knows whether it is within a string.
    static final class Lexing {
        private final List<Quote> quotes;
        private int at;
        private Quote inside;

        Lexing(List<Quote> quotes, int start) {
            this.quotes = quotes;
            this.at = start;
        }

        /// Whether the place lies within a string; places never fall.
        boolean isInside(StringBuilder text, int place) {
            while (!quotes.isEmpty() && at < place) {
                at += inside == null ? outside(text) : within(text);
            }
            return inside != null;
        }

        private int outside(StringBuilder text) {
            for (Quote quote : quotes) {
                if (stands(text, quote.open)) {
                    inside = quote;
                    return quote.open.length();
                }
            }
            return 1;
        }

        private int within(StringBuilder text) {
            char c = text.charAt(at);
            if (inside.escapes && c == '\\') {
                return 2;
            }
            if (stands(text, inside.close)) {
                int length = inside.close.length();
                inside = null;
                return length;
            }
            if (inside.endsWithLine && c == '\n') {
                inside = null;
            }
            return 1;
        }

        private boolean stands(StringBuilder text, String mark) {
            if (at + mark.length() > text.length() || text.charAt(at) != mark.charAt(0)) {
                return false;
            }
            for (int i = 1; i < mark.length(); i++) {
                if (text.charAt(at + i) != mark.charAt(i)) {
                    return false;
                }
            }
            return true;
        }
    }
}
