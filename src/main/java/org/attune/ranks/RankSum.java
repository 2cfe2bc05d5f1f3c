package org.attune.ranks;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// In which order numbers of ranks are added.
@Api(EXPERIMENTAL)
public enum RankSum {
    /// In a binary tree of neighbours: the same bits with any library, each time, and for 1, 2, 4 …
    /// ranks. The library only moves bytes.
    FIXED,

    /// As the library does it. Two runs may differ in their last bits.
    LIBRARY
}
