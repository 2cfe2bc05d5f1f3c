package org.attune.trainers.grpo;

/// What shares an importance ratio.
public enum ImportanceSamplingLevel {
    /// Each token has its own.
    TOKEN,
    /// The exponential of the mean log-ratio over a completion.
    SEQUENCE
}
