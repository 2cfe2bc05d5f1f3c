package org.attune.text.parse.turn;

import java.util.function.Consumer;

/// A text of a message that comes in stretches and pieces. White space around stretches is left
/// out, and a line break stands between them.
final class JoinedText {
    private final boolean isStripped;
    private final Consumer<String> heard;
    private final StringBuilder text = new StringBuilder();

    /// White space that is left out unless something follows.
    private final StringBuilder held = new StringBuilder();

    private boolean isBegun;

    /// @param heard is told of what becomes sure
    JoinedText(boolean isStripped, Consumer<String> heard) {
        this.isStripped = isStripped;
        this.heard = heard;
    }

    void append(String piece) {
        int start = 0;
        int end = piece.length();
        if (isStripped) {
            while (!isBegun && start < end && PythonRules.isSpace(piece.charAt(start))) {
                start++;
            }
            while (end > start && PythonRules.isSpace(piece.charAt(end - 1))) {
                end--;
            }
        }
        if (start < end) {
            String before = !isBegun && isStripped && !text.isEmpty() ? "\n" : held.toString();
            held.setLength(0);
            isBegun = true;
            String sure = before + piece.substring(start, end);
            text.append(sure);
            heard.accept(sure);
        }
        if (isBegun) {
            held.append(piece, end, piece.length());
        }
    }

    void endStretch() {
        held.setLength(0);
        isBegun = false;
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
