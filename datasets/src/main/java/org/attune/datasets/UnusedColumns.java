package org.attune.datasets;

/// What happens with columns that a run leaves unused although they hold content.
public enum UnusedColumns {
    /// The run ends before it trains.
    ERROR,
    /// They are left out.
    IGNORE
}
