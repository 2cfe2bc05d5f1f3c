package org.attune.text.parse.turn;

import java.util.Map;

/// Where a mark stands in a text, or may come to stand once the text goes on.
///
/// @param start first character
/// @param end one past the last; -1 if the text ends before that is sure
/// @param groups what the mark names
record Hit(int start, int end, Map<String, String> groups) {
    /// A place where more text decides.
    static Hit open(int start) {
        return new Hit(start, -1, Map.of());
    }

    boolean isSure() {
        return end >= start;
    }
}
