package org.attune.ranks;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// In which order numbers of ranks are added.
@Api(EXPERIMENTAL)
public enum RankSum {
    /// Numbers are added in a binary tree of neighbours: the same bits with any library, each time,
    /// and for 1, 2, 4 … ranks. The library only moves bytes.
    FIXED,

    /// Numbers are added as the library does it. Two runs may differ in their last bits.
    LIBRARY
}
