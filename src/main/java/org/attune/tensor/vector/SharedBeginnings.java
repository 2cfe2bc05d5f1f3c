package org.attune.tensor.vector;

import java.util.Arrays;

/// Sequences in a cache that begin like an earlier one. A named tuple.
///
/// @param slots for each sequence, one that holds the same first tokens; its own if there is none
/// @param lengths how many these are; 0 if there is none
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record SharedBeginnings(int[] slots, int[] lengths) {
    /// Nothing is shared.
    ///
    /// @param count sequences
    public static SharedBeginnings none(int count) {
        int[] slots = new int[count];
        Arrays.setAll(slots, i -> i);
        return new SharedBeginnings(slots, new int[count]);
    }
}
