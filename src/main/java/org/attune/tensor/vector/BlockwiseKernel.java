package org.attune.tensor.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// Codes of a byte for float32 numbers in blocks
/// ([Dettmers et al. 2021](https://arxiv.org/abs/2110.02861), Sec. 1.2 and 2), as bitsandbytes has
/// them. A number is its block's largest size times a level of -1…1 (signed) or 0…1. Levels are
/// spread evenly within each power of ten, and each power has twice as many as the one below.
public final class BlockwiseKernel {
    /// Numbers of a block.
    public static final int BLOCK = 256;

    /// The kernel for numbers of either sign.
    public static final BlockwiseKernel SIGNED = new BlockwiseKernel(true);

    /// The kernel for numbers that are not below 0.
    public static final BlockwiseKernel UNSIGNED = new BlockwiseKernel(false);

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final int LEVELS = 256;
    private static final int POWERS = 7;

    /// Blocks of an item of work.
    private static final int BLOCKS = 64;

    private static final int HALF = 16;

    private final float[] levels;
    private final float[] borders; // between a level and the next
    private final byte[] firsts; // level of the least number whose upper bits these are

    private BlockwiseKernel(boolean signed) {
        levels = levels(signed);
        borders = new float[LEVELS];
        for (int i = 0; i + 1 < LEVELS; i++) {
            borders[i] = (levels[i] + levels[i + 1]) / 2;
        }
        borders[LEVELS - 1] = Float.POSITIVE_INFINITY;
        firsts = new byte[1 << HALF];
        for (int upper = 0; upper < firsts.length; upper++) {
            boolean negative = upper > Short.MAX_VALUE;
            // the least: of negative numbers the one with all lower bits set
            float least = Float.intBitsToFloat(upper << HALF | (negative ? 0xffff : 0));
            int level = 0;
            while (level < LEVELS - 1 && least > borders[level]) {
                level++;
            }
            firsts[upper] = (byte) level;
        }
    }

    private static float[] levels(boolean signed) {
        float[] levels = new float[LEVELS];
        int count = 0;
        for (int power = 0; power < POWERS; power++) {
            int intervals = signed ? 1 << power : 1 << (power + 1);
            float scale = (float) Math.pow(10, power - (POWERS - 1));
            for (int i = 0; i < intervals; i++) {
                float mean = (border(i, intervals) + border(i + 1, intervals)) / 2;
                levels[count++] = scale * mean;
                if (signed) {
                    levels[count++] = -(scale * mean);
                }
            }
        }
        levels[count++] = 0;
        levels[count] = 1;
        Arrays.sort(levels);
        return levels;
    }

    /// Number `i` of `intervals + 1` from 0.1 to 1, rounded as PyTorch's `linspace` is.
    private static float border(int i, int intervals) {
        float step = (1 - 0.1f) / intervals;
        return i < (intervals + 1) / 2
                ? Math.fma(step, i, 0.1f)
                : Math.fma(-step, intervals - i, 1);
    }

    /// The levels, the least first.
    public float[] levels() {
        return levels.clone();
    }

    /// @param codes bytes
    /// @param sizes float32, one for each block
    /// @param numbers float32, written
    public void decode(
            MemorySegment codes, MemorySegment sizes, MemorySegment numbers, int threads) {
        KernelThreads.ranges(
                threads,
                codes.byteSize(),
                BLOCK * BLOCKS,
                (from, count) -> {
                    for (long at = from; at < from + count; at++) {
                        float size = sizes.getAtIndex(FLOAT, at / BLOCK);
                        float level = levels[codes.get(BYTE, at) & 0xff];
                        numbers.setAtIndex(FLOAT, at, level * size);
                    }
                });
    }

    /// @param numbers float32
    /// @param codes bytes, written
    /// @param sizes float32, one for each block, written
    public void encode(
            MemorySegment numbers, MemorySegment codes, MemorySegment sizes, int threads) {
        KernelThreads.ranges(
                threads,
                codes.byteSize(),
                BLOCK * BLOCKS,
                (from, count) -> {
                    for (long at = from; at < from + count; at += BLOCK) {
                        long end = Math.min(at + BLOCK, from + count);
                        float size = encode(numbers, codes, at, end);
                        sizes.setAtIndex(FLOAT, at / BLOCK, size);
                    }
                });
    }

    /// Encodes one block; returns its largest size.
    private float encode(MemorySegment numbers, MemorySegment codes, long from, long end) {
        float largest = 0;
        for (long at = from; at < end; at++) {
            largest = Math.max(largest, Math.abs(numbers.getAtIndex(FLOAT, at)));
        }
        float divisor = largest == 0 ? 1 : largest;
        for (long at = from; at < end; at++) {
            float x = numbers.getAtIndex(FLOAT, at) / divisor;
            int level = firsts[Float.floatToRawIntBits(x) >>> HALF] & 0xff;
            while (x > borders[level]) {
                level++;
            }
            codes.set(BYTE, at, (byte) level);
        }
        return largest;
    }
}
