package org.attune.trainers.prepare;

/// How documents are put together into rows of `max_length` tokens (TRL's `packing_strategy`).
public enum PackingStrategy {
    /// Best fit, longest first; documents are cut at `max_length` and the rest is lost.
    BFD,
    /// Best fit, longest first; the rest of a document that is too long becomes documents of its
    /// own.
    BFD_SPLIT,
    /// All documents in a row, cut every `max_length` tokens; documents see each other.
    WRAPPED
}
