package org.attune.files.gguf;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// Quantises to GGUF's blocks of 32 values with one scale, the reverse of [SimpleBlocks] and of
/// MXFP4 in [TableBlocks]. The bytes are those of gguf's
/// Python package.
final class SimpleEncoders {
    private static final int SIZE = 32;
    private static final int HALF = SIZE / 2;
    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private SimpleEncoders() {}

    static void half(byte[] target, int at, float value) {
        SHORT.set(target, at, Float.floatToFloat16(value));
    }

    static void q8(float[] source, float[] weights, byte[] target, int blocks) {
        for (int b = 0, from = 0, at = 0; b < blocks; b++, from += SIZE, at += 34) {
            float d = Math.abs(source[furthest(source, from)]) / 127;
            float inverse = inverse(d);
            half(target, at, d);
            for (int i = 0; i < SIZE; i++) {
                target[at + 2 + i] = (byte) roundAway(source[from + i] * inverse);
            }
        }
    }

    static void q4Centred(float[] source, float[] weights, byte[] target, int blocks) {
        int[] codes = new int[SIZE];
        for (int b = 0, at = 0; b < blocks; b++, at += 18) {
            half(target, at, centred(source, SIZE * b, 8, codes));
            nibbles(codes, target, at + 2);
        }
    }

    static void q5Centred(float[] source, float[] weights, byte[] target, int blocks) {
        int[] codes = new int[SIZE];
        for (int b = 0, at = 0; b < blocks; b++, at += 22) {
            half(target, at, centred(source, SIZE * b, 16, codes));
            INT.set(target, at + 2, fifthBits(codes));
            nibbles(codes, target, at + 6);
        }
    }

    static void q4Offset(float[] source, float[] weights, byte[] target, int blocks) {
        int[] codes = new int[SIZE];
        for (int b = 0, at = 0; b < blocks; b++, at += 20) {
            offset(source, SIZE * b, 15, codes, target, at);
            nibbles(codes, target, at + 4);
        }
    }

    static void q5Offset(float[] source, float[] weights, byte[] target, int blocks) {
        int[] codes = new int[SIZE];
        for (int b = 0, at = 0; b < blocks; b++, at += 24) {
            offset(source, SIZE * b, 31, codes, target, at);
            INT.set(target, at + 4, fifthBits(codes));
            nibbles(codes, target, at + 8);
        }
    }

    static void mxfp4(float[] source, float[] weights, byte[] target, int blocks) {
        int[] codes = new int[SIZE];
        for (int b = 0, at = 0; b < blocks; b++, at += 17) {
            float largest = Math.abs(source[furthest(source, SIZE * b)]);
            int exponent = largest > 0 ? Math.max(0, Math.getExponent(largest) - 2 + 127) : 0;
            target[at] = (byte) exponent;
            float d = TableBlocks.scaleOfMxfp4(exponent);
            for (int i = 0; i < SIZE; i++) {
                codes[i] = TableBlocks.nearestFloat4(source[SIZE * b + i], d);
            }
            nibbles(codes, target, at + 1);
        }
    }

    /// Codes of `d · (q − half)`: the number of largest size gets the code 0.
    ///
    /// @return d
    private static float centred(float[] source, int from, int half, int[] codes) {
        float d = source[furthest(source, from)] / -half;
        float inverse = inverse(d);
        for (int i = 0; i < SIZE; i++) {
            int code = (int) (source[from + i] * inverse + (half + 0.5f));
            codes[i] = Math.clamp(code, 0, 2 * half - 1);
        }
        return d;
    }

    /// Codes of `d · q + m`, with `d` and `m` before them.
    private static void offset(
            float[] source, int from, int most, int[] codes, byte[] target, int at) {
        float least = source[from];
        float largest = least;
        for (int i = 1; i < SIZE; i++) {
            least = Math.min(least, source[from + i]);
            largest = Math.max(largest, source[from + i]);
        }
        float d = (largest - least) / most;
        float inverse = inverse(d);
        half(target, at, d);
        half(target, at + 2, least);
        for (int i = 0; i < SIZE; i++) {
            int code = (int) ((source[from + i] - least) * inverse + 0.5f);
            codes[i] = Math.clamp(code, 0, most);
        }
    }

    /// The first number of largest size.
    private static int furthest(float[] source, int from) {
        int best = from;
        for (int i = from + 1; i < from + SIZE; i++) {
            if (Math.abs(source[i]) > Math.abs(source[best])) {
                best = i;
            }
        }
        return best;
    }

    private static float inverse(float d) {
        return d == 0 ? 0 : 1 / d;
    }

    /// The nearest whole number, the one further from 0 of two.
    private static int roundAway(float x) {
        float size = Math.abs(x);
        float whole = (float) Math.floor(size);
        int rounded = (int) (size - whole >= 0.5f ? whole + 1 : whole);
        return x < 0 ? -rounded : rounded;
    }

    private static int fifthBits(int[] codes) {
        int bits = 0;
        for (int i = 0; i < SIZE; i++) {
            bits |= (codes[i] >> 4 & 1) << i;
        }
        return bits;
    }

    private static void nibbles(int[] codes, byte[] target, int at) {
        for (int i = 0; i < HALF; i++) {
            target[at + i] = (byte) (codes[i] & 15 | (codes[HALF + i] & 15) << 4);
        }
    }
}
