package org.attune.model.decode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Sequences beside each other that begin alike in a [KvCache], in runs. Each run shares as much as
/// all of its sequences have in common with the first. A named tuple.
///
/// @param ends of each run, the place behind its last sequence
/// @param lengths tokens that the sequences of each run share; 0 for a sequence alone
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record SharedRuns(int[] ends, int[] lengths) {
    /// Takes a sequence into the run before it unless the run then spares less.
    ///
    /// @param slots of the sequences
    static SharedRuns of(KvCache cache, int[] slots) {
        List<Integer> ends = new ArrayList<>();
        List<Integer> lengths = new ArrayList<>();
        int first = 0;
        while (first < slots.length) {
            int end = first + 1;
            int shared = 0;
            long spared = 0;
            for (int length = cache.held(slots[first]); end < slots.length; end++) {
                length = Math.min(length, cache.common(slots[first], slots[end]));
                if (length == 0 || (long) length * (end - first) < spared) {
                    break;
                }
                shared = length;
                spared = (long) length * (end - first);
            }
            ends.add(end);
            lengths.add(shared);
            first = end;
        }
        return new SharedRuns(ints(ends), ints(lengths));
    }

    private static int[] ints(List<Integer> numbers) {
        return numbers.stream().mapToInt(i -> i).toArray();
    }

    /// Tokens whose keys and values needn't be read again: in a run those of all but one.
    long spared() {
        long spared = 0;
        int first = 0;
        for (int run = 0; run < ends.length; run++) {
            spared += (ends[run] - first - 1L) * lengths[run];
            first = ends[run];
        }
        return spared;
    }

    @Override
    public String toString() {
        return "runs to " + Arrays.toString(ends) + " share " + Arrays.toString(lengths);
    }
}
