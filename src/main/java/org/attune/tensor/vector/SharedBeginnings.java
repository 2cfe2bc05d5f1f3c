package org.attune.tensor.vector;

import java.util.stream.IntStream;

/// Where sequences stand in a cache, and which begin like an earlier one. A named tuple.
///
/// @param own the slot of each sequence
/// @param slots for each sequence, one that holds the same first tokens; its own if there is none
/// @param lengths how many these are; 0 if there is none
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record SharedBeginnings(int[] own, int[] slots, int[] lengths) {
    /// Nothing is shared.
    ///
    /// @param own the slot of each sequence
    public static SharedBeginnings none(int[] own) {
        return new SharedBeginnings(own, own.clone(), new int[own.length]);
    }

    /// Nothing is shared, and sequence `i` stands in slot `i`.
    ///
    /// @param count sequences
    public static SharedBeginnings none(int count) {
        return none(IntStream.range(0, count).toArray());
    }
}
