package org.attune.trainers.config;

/// What happens with a faulty row of a dataset.
public enum BadRowPolicy {
    /// The run stops and names file, line and column.
    ERROR,
    /// The row is left out, counted and listed.
    SKIP
}
