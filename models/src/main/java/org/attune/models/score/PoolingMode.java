package org.attune.models.score;

/// What of a sequence's hidden states its embedding is, by sentence-transformers' names.
public enum PoolingMode {
    /// The last token's.
    LASTTOKEN,
    /// The mean of all tokens'.
    MEAN
}
