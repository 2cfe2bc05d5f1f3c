package org.attune.text.vocab;

/// What a token of a vocabulary is, in the order of SentencePiece's and ggml's numbers, which
/// begin at 1.
public enum PieceKind {
    NORMAL,
    UNKNOWN,
    CONTROL,
    USER_DEFINED,
    UNUSED,
    BYTE;

    /// Whether such a token is cut out of a text before anything else.
    public boolean isAdded() {
        return this == CONTROL || this == UNKNOWN || this == USER_DEFINED;
    }
}
