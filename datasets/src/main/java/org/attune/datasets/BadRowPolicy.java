package org.attune.datasets;

/// What happens with a row that can't be used (`on_bad_row`).
public enum BadRowPolicy {
    /// The run stops with file and line.
    ERROR,
    /// The row is left out, counted and listed.
    SKIP
}
