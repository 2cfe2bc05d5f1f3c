package org.attune.adapter.formula;

/// PyTorch's random numbers on a processor: the 32-bit Mersenne Twister of Matsumoto and Nishimura
/// 1998, seeded as `torch.Generator.manual_seed` does.
final class TorchGenerator {
    private static final int STATE = 624;
    private static final int MIDDLE = 397;
    private static final int FLOAT_BITS = 24;

    private final int[] state = new int[STATE];
    private int next = STATE;

    /// @param seed of which the last 32 bits count
    TorchGenerator(long seed) {
        state[0] = (int) seed;
        for (int i = 1; i < STATE; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
        }
    }

    /// 32 bits without a sign.
    long draw() {
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

    /// Float32 numbers that `tensor.uniform_(-bound, bound)` gives. Multiplied and added with one
    /// rounding, as PyTorch's kernels for processors with AVX2 do.
    float[] uniform(int count, double bound) {
        float from = (float) -bound;
        float width = (float) bound - from;
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            float unit = (draw() & (1 << FLOAT_BITS) - 1) * (1f / (1 << FLOAT_BITS));
            values[i] = Math.fma(unit, width, from);
        }
        return values;
    }

    /// Leaves numbers out.
    void skip(long count) {
        for (long i = 0; i < count; i++) {
            draw();
        }
    }
}
