package org.attune.adapter.formula;

import org.attune.error.ConfigException;

import java.util.HashMap;
import java.util.Map;

/// What PyTorch's `randperm` gives on a processor: a shuffle from the front.
final class TorchPermutation {
    private static final long MOST = 0xFFFFFFFFL / 20; // beyond it, PyTorch draws 64 bits

    private TorchPermutation() {}

    /// @param count of the first values, ≤ size
    /// @param size of the permutation of `0 … size − 1`
    /// @param seed of `torch.Generator.manual_seed`
    static long[] first(int count, long size, long seed) {
        if (size >= MOST) {
            throw new ConfigException(
                    "random_loc_seed chooses among %d values of a module; accepted: fewer than %d"
                            .formatted(size, MOST));
        }
        var random = new TorchGenerator(seed);
        Map<Long, Long> moved = new HashMap<>(); // all others are where they began
        long[] first = new long[count];
        for (long i = 0; i < count; i++) {
            if (i == size - 1) { // the last draws nothing
                first[(int) i] = moved.getOrDefault(i, i);
                break;
            }
            long other = i + random.draw() % (size - i);
            first[(int) i] = moved.getOrDefault(other, other);
            moved.put(other, moved.getOrDefault(i, i));
        }
        return first;
    }
}
