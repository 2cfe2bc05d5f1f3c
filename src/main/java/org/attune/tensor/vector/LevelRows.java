package org.attune.tensor.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/// Rows of codes of 4 bits: numbers of a block are one of 16 levels times the block's size
/// ([Dettmers et al. 2023](https://arxiv.org/abs/2305.14314), Sec. 3), in the order of
/// bitsandbytes. Blocks follow one another from row to row; the upper half of a byte is the first
/// of two numbers.
///
/// @param codes of all numbers
/// @param sizes of the blocks: float32, or bytes that are [nested][Nested]
/// @param in columns
/// @param block numbers of a block
/// @param vectors whether there are vectors to decode with
public record LevelRows(
        MemorySegment codes,
        MemorySegment sizes,
        Optional<Nested> nested,
        Levels levels,
        int in,
        int block,
        boolean vectors)
        implements CodedRows {
    /// How many levels there are.
    static final int LEVELS = 16;

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final int BITS = 4;
    private static final int CODE = 15;

    /// Blocks that are decoded at once.
    private static final int AT_ONCE = 64;

    private static final ThreadLocal<float[]> SIZES =
            ThreadLocal.withInitial(() -> new float[AT_ONCE]);

    /// Sizes of blocks that are in few bits themselves (Sec. 3 too, double quantisation).
    ///
    /// @param levels float32 `(256)`
    /// @param sizes float32, one for each `block` sizes
    /// @param offset added to all
    public record Nested(MemorySegment levels, MemorySegment sizes, int block, float offset) {}

    /// Kinds of levels, as bitsandbytes has them.
    public enum Levels {
        /// Quantiles of a normal distribution, with zero.
        NF4(
                -1.0f,
                -0.6961928f,
                -0.52507305f,
                -0.3949175f,
                -0.28444138f,
                -0.18477343f,
                -0.091050036f,
                0.0f,
                0.0795803f,
                0.1609302f,
                0.2461123f,
                0.33791524f,
                0.44070983f,
                0.562617f,
                0.72295684f,
                1.0f),

        /// Floating-point numbers of a sign, two bits of exponent and one of mantissa.
        FP4(
                0, 1f / 192, 2f / 3, 1, 1f / 3, 1f / 2, 1f / 6, 1f / 4, 0, -1f / 192, -2f / 3, -1,
                -1f / 3, -1f / 2, -1f / 6, -1f / 4);

        private static final float LEAST = 1e-38f; // of what numbers are divided by
        private static final int UPPER = 16;

        private final float[] numbers;
        private final byte[] codes; // of the levels by size
        private final float[] borders; // between one of these and the next
        private final byte[] firsts; // place of the least number whose upper bits these are

        Levels(float... numbers) {
            this.numbers = numbers;
            Integer[] order = new Integer[LEVELS];
            Arrays.setAll(order, i -> i);
            Arrays.sort(order, (a, b) -> Float.compare(numbers[a], numbers[b]));
            codes = new byte[LEVELS];
            borders = new float[LEVELS];
            for (int i = 0; i < LEVELS; i++) {
                codes[i] = order[i].byteValue();
                borders[i] =
                        i + 1 < LEVELS
                                ? (numbers[order[i]] + numbers[order[i + 1]]) / 2
                                : Float.POSITIVE_INFINITY;
            }
            firsts = new byte[1 << UPPER];
            for (int upper = 0; upper < firsts.length; upper++) {
                boolean negative = upper > Short.MAX_VALUE;
                // of negative numbers the least has all lower bits set
                float least = Float.intBitsToFloat(upper << UPPER | (negative ? 0xffff : 0));
                while (firsts[upper] < LEVELS - 1 && least > borders[firsts[upper]]) {
                    firsts[upper]++;
                }
            }
        }

        /// A level of each code.
        public float[] numbers() {
            return numbers.clone();
        }

        /// Codes of numbers.
        ///
        /// @param from float32, whole blocks but for the last one, an even number of them
        /// @param to two codes a byte, written
        /// @param sizes float32, one for each block, written
        public void encode(
                MemorySegment from, int block, MemorySegment to, MemorySegment sizes, int threads) {
            KernelThreads.ranges(
                    threads,
                    from.byteSize() / Float.BYTES,
                    block * Math.max(1, CHUNK / block),
                    (first, count) -> {
                        for (long at = first; at < first + count; at += block) {
                            int own = (int) Math.min(block, first + count - at);
                            sizes.setAtIndex(FLOAT, at / block, encode(from, at, own, to));
                        }
                    });
        }

        private float encode(MemorySegment from, long first, int count, MemorySegment to) {
            float size = 0;
            for (long at = first; at < first + count; at++) {
                size = Math.max(size, Math.abs(from.getAtIndex(FLOAT, at)));
            }
            float factor = 1 / Math.max(size, LEAST);
            for (long at = first; at < first + count; at += 2) {
                int one = code(from.getAtIndex(FLOAT, at) * factor);
                int two = code(from.getAtIndex(FLOAT, at + 1) * factor);
                to.set(BYTE, at / 2, (byte) (one << BITS | two));
            }
            return size;
        }

        private byte code(float number) {
            int place = firsts[Float.floatToRawIntBits(number) >>> UPPER];
            while (number > borders[place]) {
                place++;
            }
            return codes[place];
        }
    }

    @Override
    public int step() {
        return 1;
    }

    private float size(long number) {
        if (nested.isEmpty()) {
            return sizes.getAtIndex(FLOAT, number);
        }
        Nested own = nested.get();
        int code = Byte.toUnsignedInt(sizes.get(BYTE, number));
        float size = own.sizes().getAtIndex(FLOAT, number / own.block());
        return own.levels().getAtIndex(FLOAT, code) * size + own.offset();
    }

    @Override
    public void decode(int row, int column, int count, Target to) {
        long first = (long) row * in + column;
        if (vectors
                && count % block == 0
                && first % block == 0
                && block % LevelLoops.NUMBERS == 0) {
            float[] own = SIZES.get();
            for (int done = 0; done < count; done += AT_ONCE * block) {
                int blocks = Math.min(AT_ONCE, (count - done) / block);
                for (int i = 0; i < blocks; i++) {
                    own[i] = size((first + done) / block + i);
                }
                long from = codes.address() + (first + done) / 2;
                long end = to.address() + (long) done * to.bytes();
                LevelLoops.blocks(
                        from,
                        block / 2,
                        blocks,
                        block,
                        levels.numbers,
                        own,
                        to.half(),
                        end,
                        (long) block * to.bytes());
            }
            return;
        }
        float[] some = null; // where there are no vectors
        int done = 0;
        while (done < count) {
            long at = first + done;
            int left = (int) (block - at % block); // of the block
            int numbers = Math.min(left, count - done);
            float size = size(at / block);
            if (vectors && at % 2 == 0 && numbers % LevelLoops.NUMBERS == 0) {
                long from = codes.address() + at / 2;
                long end = to.address() + (long) done * to.bytes();
                LevelLoops.blocks(
                        from, 0, 1, numbers, levels.numbers, one(size), to.half(), end, 0);
            } else {
                some = some == null ? new float[Math.min(block, count)] : some;
                decode(at, numbers, size, some);
                to.skip(done).put(some, numbers);
            }
            done += numbers;
        }
    }

    /// Whether [#columns] decodes some columns.
    boolean servesColumns(int column, int count, boolean pairs) {
        return vectors
                && (!pairs || LevelLoops.servesPairs())
                && block % count == 0
                && column % count == 0
                && in % count == 0
                && count % LevelLoops.NUMBERS == 0;
    }

    /// Decodes the same columns of neighbouring rows, where [#servesColumns].
    ///
    /// @param pairs whether to bfloat16, two rows side by side, of which there are an even number;
    ///     else to float32
    /// @param to written, `(rows, count)`
    /// @param stride bytes from a row to the next, or half of that from a pair
    void columns(int row, int rows, int column, int count, boolean pairs, long to, long stride) {
        float[] own = SIZES.get();
        for (int done = 0; done < rows; done += AT_ONCE) {
            int some = Math.min(AT_ONCE, rows - done);
            long first = (long) (row + done) * in + column;
            for (int i = 0; i < some; i++) {
                own[i] = size((first + (long) i * in) / block);
            }
            long from = codes.address() + first / 2;
            long step = in / 2;
            long end = to + done * stride;
            if (pairs) {
                LevelLoops.pairs(from, step, some, count, levels.numbers, own, end);
            } else {
                LevelLoops.blocks(from, step, some, count, levels.numbers, own, false, end, stride);
            }
        }
    }

    /// The size of a single block, where [LevelLoops#blocks] finds it.
    static float[] one(float size) {
        float[] own = SIZES.get();
        own[0] = size;
        return own;
    }

    private void decode(long first, int count, float size, float[] to) {
        for (int i = 0; i < count; i++) {
            long at = first + i;
            int two = codes.get(BYTE, at / 2);
            to[i] = levels.numbers[(at % 2 == 0 ? two >> BITS : two) & CODE] * size;
        }
    }
}
