package org.attune.ranks;

/// In which order numbers of ranks are added.
public enum RankSum {
    /// In a binary tree of neighbours: the same bits with any library, each time, and for 1, 2, 4 …
    /// ranks. The library only moves bytes.
    FIXED,

    /// As the library does it. Two runs may differ in their last bits.
    LIBRARY
}
