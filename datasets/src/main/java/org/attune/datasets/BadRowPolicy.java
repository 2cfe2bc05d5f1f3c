package org.attune.datasets;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// What happens with a row that can't be used (`on_bad_row`).
@Api(EXPERIMENTAL)
public enum BadRowPolicy {
    /// The run stops with file and line.
    ERROR,
    /// The row is left out, counted and listed.
    SKIP
}
