package org.attune.trainers.config;

/// How documents are put into rows of `max_length` tokens.
public enum PackingStrategy {
    /// Best fit decreasing; what overflows a row is dropped.
    BFD,
    /// Best fit decreasing; documents longer than a row are split.
    BFD_SPLIT,
    /// Everything joined and cut anywhere; documents do see each other.
    WRAPPED
}
