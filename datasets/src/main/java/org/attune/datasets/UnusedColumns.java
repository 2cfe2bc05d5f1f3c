package org.attune.datasets;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// What happens with columns that a run leaves unused although they hold content.
@Api(EXPERIMENTAL)
public enum UnusedColumns {
    /// The run ends before it trains.
    ERROR,
    /// The run leaves out columns that it doesn't use.
    IGNORE
}
