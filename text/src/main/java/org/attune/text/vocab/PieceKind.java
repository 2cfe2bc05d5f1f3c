package org.attune.text.vocab;

import java.util.Arrays;
import java.util.Optional;

/// What a token of a vocabulary is.
public enum PieceKind {
    NORMAL(1),
    UNKNOWN(2),
    CONTROL(3),
    USER_DEFINED(4),
    UNUSED(5),
    BYTE(6);

    private final int number;

    /// @param number SentencePiece's and ggml's
    PieceKind(int number) {
        this.number = number;
    }

    /// SentencePiece's and ggml's number.
    public int number() {
        return number;
    }

    /// The kind of SentencePiece's and ggml's number; empty if there is none.
    public static Optional<PieceKind> of(long number) {
        return Arrays.stream(values()).filter(kind -> kind.number == number).findFirst();
    }

    /// Whether such a token is cut out of a text before anything else.
    public boolean isAdded() {
        return this == CONTROL || this == UNKNOWN || this == USER_DEFINED;
    }
}
