package org.attune.adapter.formula;

import org.attune.error.ConfigException;

import java.util.HashMap;
import java.util.Map;

/// What PyTorch's `randperm` gives on a processor: a shuffle from the front by the 32-bit Mersenne
/// Twister of Matsumoto and Nishimura 1998.
final class TorchPermutation {
    private static final long MOST = 0xFFFFFFFFL / 20; // beyond it, PyTorch draws 64 bits

    private static final int STATE = 624;
    private static final int MIDDLE = 397;

    private final int[] state = new int[STATE];
    private int next = STATE;

    private TorchPermutation(long seed) {
        state[0] = (int) seed;
        for (int i = 1; i < STATE; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
        }
    }

    /// @param count of the first values, ≤ size
    /// @param size of the permutation of `0 … size − 1`
    /// @param seed of `torch.Generator.manual_seed`
    static long[] first(int count, long size, long seed) {
        if (size >= MOST) {
            throw new ConfigException(
                    "random_loc_seed chooses among %d values of a module; accepted: fewer than %d"
                            .formatted(size, MOST));
        }
        var random = new TorchPermutation(seed);
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

    /// 32 bits without a sign.
    private long draw() {
        if (next == STATE) {
            for (int i = 0; i < STATE; i++) {
                int y = state[i] & 0x80000000 | state[(i + 1) % STATE] & 0x7fffffff;
                int twist = (y & 1) == 0 ? 0 : 0x9908b0df;
                state[i] = state[(i + MIDDLE) % STATE] ^ (y >>> 1) ^ twist;
            }
            next = 0;
        }
        int y = state[next++];
        y ^= y >>> 11;
        y ^= y << 7 & 0x9d2c5680;
        y ^= y << 15 & 0xefc60000;
        return (y ^ y >>> 18) & 0xFFFFFFFFL;
    }
}
