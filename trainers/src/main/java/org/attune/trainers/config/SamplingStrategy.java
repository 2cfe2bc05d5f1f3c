package org.attune.trainers.config;

/// The order of the training rows.
public enum SamplingStrategy {
    /// A new permutation in each epoch.
    RANDOM,
    /// Rows in the order in which they stand in the data.
    SEQUENTIAL,
    /// Random, with rows of similar length together.
    GROUP_BY_LENGTH
}
