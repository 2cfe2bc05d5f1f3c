package org.attune.text.vocab;

/// Where a SentencePiece vocabulary puts its invisible space (`▁`) before a text.
enum SpacePrefix {
    NONE,

    /// Before each text between two added tokens, also one that begins with a space: what
    /// SentencePiece does.
    ALWAYS,

    /// Before each text between two added tokens that doesn't begin with a space.
    UNLESS_SPACE,

    /// Before the first text only, unless it begins with a space.
    FIRST_UNLESS_SPACE
}
