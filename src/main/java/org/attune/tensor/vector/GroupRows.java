package org.attune.tensor.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;

/// Rows of codes of 4 or 8 bits, in groups of columns with a scale and maybe a zero each: a number
/// is `scale · (code − zero)`. GPTQ, AWQ, FP8, MXFP4 and compressed-tensors are of this kind.
///
/// @param codes `(out, in)`; of two numbers of 4 bits the first is the upper half of a byte
/// @param kind what codes mean
/// @param scales of the groups
/// @param zeros signed bytes, one for each scale; none: all are 0
/// @param zero added to all zeros
/// @param groups int32 `(in)`, the group of each column; none: neighbours share one
/// @param in columns
/// @param vectors whether there are vectors to decode with
public record GroupRows(
        MemorySegment codes,
        Codes kind,
        Scales scales,
        Optional<MemorySegment> zeros,
        int zero,
        Optional<MemorySegment> groups,
        int in,
        boolean vectors)
        implements CodedRows {
    private static final int BITS = 4;
    private static final int CODE = 15;
    private static final int BYTE = 255;
    private static final int REST = 127; // of a byte, without its sign
    private static final int AT_ONCE = 1 << 10;

    /// What codes mean.
    public enum Codes {
        /// Whole numbers from 0 to 15.
        WHOLE4(BITS, code -> code),

        /// Whole numbers from -128 to 127.
        WHOLE8(Byte.SIZE, code -> (byte) code),

        /// Floating-point numbers of a sign, two bits of exponent and one of mantissa ([Rouhani et
        /// al. 2023](https://arxiv.org/abs/2310.10537)).
        FLOAT4(BITS, code -> number(code, 2, 1)),

        /// Floating-point numbers of a sign, four bits of exponent and three of mantissa, without
        /// infinities ([Micikevicius et al. 2022](https://arxiv.org/abs/2209.05433)).
        FLOAT8(Byte.SIZE, code -> (code & REST) == REST ? Float.NaN : number(code, 4, 3));

        private static final int ZEROS = 16; // as many as codes

        private final int bits;
        private final float[][] levels; // less each zero, where there are nibbles

        Codes(int bits, IntToDoubleFunction level) {
            this.bits = bits;
            levels = new float[bits == BITS ? ZEROS : 1][1 << bits];
            for (int zero = 0; zero < levels.length; zero++) {
                for (int code = 0; code < levels[zero].length; code++) {
                    levels[zero][code] = (float) level.applyAsDouble(code) - zero;
                }
            }
        }

        private static double number(int code, int exponents, int mantissas) {
            int middle = (1 << exponents - 1) - 1;
            int exponent = code >> mantissas & (1 << exponents) - 1;
            double mantissa = Math.scalb((double) (code & (1 << mantissas) - 1), -mantissas);
            double size =
                    exponent == 0
                            ? Math.scalb(mantissa, 1 - middle)
                            : Math.scalb(1 + mantissa, exponent - middle);
            return code >> exponents + mantissas == 0 ? size : -size;
        }

        private boolean nibbles() {
            return bits == BITS;
        }

        /// Bits of a code.
        public int bits() {
            return bits;
        }
    }

    /// Scales of groups, as files have them.
    ///
    /// @param numbers row by row
    /// @param kind of a number
    /// @param rows neighbouring rows that share scales
    /// @param columns neighbouring columns that share a scale
    /// @param count how many scales rows have
    public record Scales(MemorySegment numbers, Kind kind, int rows, int columns, int count) {
        /// Number formats of scales.
        public enum Kind {
            FLOAT32(4),
            FLOAT16(2),
            BFLOAT16(2),

            /// The exponent of a power of two, more by 127.
            POWER(1);

            private final int bytes;

            Kind(int bytes) {
                this.bytes = bytes;
            }

            /// Bytes of a scale.
            public int bytes() {
                return bytes;
            }
        }

        private static final int BIAS = 127;
        private static final int NO_POWER = 255;
        private static final int HALF_BITS = 16;

        private long place(int row, int group) {
            return (long) (row / rows) * count + group;
        }

        float at(int row, int group) {
            long place = place(row, group);
            return switch (kind) {
                case FLOAT32 -> numbers.getAtIndex(ValueLayout.JAVA_FLOAT, place);
                case FLOAT16 ->
                        Float.float16ToFloat(numbers.getAtIndex(ValueLayout.JAVA_SHORT, place));
                case BFLOAT16 ->
                        Float.intBitsToFloat(
                                numbers.getAtIndex(ValueLayout.JAVA_SHORT, place) << HALF_BITS);
                case POWER -> power(Byte.toUnsignedInt(numbers.get(ValueLayout.JAVA_BYTE, place)));
            };
        }

        private static float power(int exponent) {
            return exponent == NO_POWER
                    ? Float.NaN
                    : (float) Math.scalb(1.0, exponent - BIAS); // a float32 has all of them
        }
    }

    @Override
    public int step() {
        return 1;
    }

    private int zero(int row, int group) {
        return zero
                + zeros.map(z -> (int) z.get(ValueLayout.JAVA_BYTE, scales.place(row, group)))
                        .orElse(0);
    }

    @Override
    public void decode(int row, int column, int count, Target to) {
        if (groups.isPresent()) {
            scattered(row, column, count, to);
            return;
        }
        int done = 0;
        while (done < count) {
            int at = column + done;
            int group = at / scales.columns();
            int end = Math.min(column + count, (group + 1) * scales.columns());
            decode(row, at, end - at, scales.at(row, group), zero(row, group), to.skip(done));
            done += end - at;
        }
    }

    private void decode(int row, int column, int count, float scale, int zero, Target to) {
        int done = 0;
        if (vectors && kind.nibbles() && column % 2 == 0 && (long) row * in % 2 == 0) {
            done = count / LevelLoops.NUMBERS * LevelLoops.NUMBERS;
            long from = codes.address() + ((long) row * in + column) / 2;
            float[] size = LevelRows.one(scale);
            LevelLoops.blocks(
                    from, 0, 1, done, kind.levels[zero], size, to.half(), to.address(), 0);
        } else if (vectors && !kind.nibbles()) {
            done = count / LevelLoops.BYTES * LevelLoops.BYTES;
            long from = codes.address() + (long) row * in + column;
            if (kind == Codes.FLOAT8) {
                LevelLoops.floats(from, done, scale, to.half(), to.address());
            } else {
                LevelLoops.above(from, done, zero, scale, to.half(), to.address());
            }
        }
        var numbers = new float[Math.min(AT_ONCE, count - done)];
        while (done < count) {
            int some = Math.min(numbers.length, count - done);
            for (int i = 0; i < some; i++) {
                numbers[i] = level(row, column + done + i, zero) * scale;
            }
            to.skip(done).put(numbers, some);
            done += some;
        }
    }

    private float level(int row, int column, int zero) {
        long at = (long) row * in + column;
        if (!kind.nibbles()) {
            return kind.levels[0][codes.get(ValueLayout.JAVA_BYTE, at) & BYTE] - zero;
        }
        int two = codes.get(ValueLayout.JAVA_BYTE, at / 2);
        return kind.levels[zero][(at % 2 == 0 ? two >> BITS : two) & CODE];
    }

    /// Columns of a group stand anywhere.
    private void scattered(int row, int column, int count, Target to) {
        MemorySegment own = groups.orElseThrow();
        var some = new float[scales.count()];
        var lows = new int[scales.count()];
        for (int group = 0; group < some.length; group++) {
            some[group] = scales.at(row, group);
            lows[group] = zero(row, group);
        }
        var numbers = new float[count];
        for (int i = 0; i < count; i++) {
            int group = own.getAtIndex(ValueLayout.JAVA_INT, column + i);
            numbers[i] = level(row, column + i, lows[group]) * some[group];
        }
        to.put(numbers, count);
    }
}
