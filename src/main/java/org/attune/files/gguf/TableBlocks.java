package org.attune.files.gguf;

/// GGUF's blocks whose four-bit codes mean unevenly spaced numbers, `x = d · table[q]`, and
/// those of three values, `x = d · (q − 1)`. Results equal ggml's bit for bit.
final class TableBlocks {
    /// Levels of the IQ4 types.
    private static final byte[] NONLINEAR = {
        -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
    };

    /// Twice the numbers of a float with two bits of exponent and one of mantissa
    /// (OCP Microscaling Formats 1.0); scales are halved in turn.
    private static final byte[] FLOAT4 = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

    private static final int[] POWERS_OF_THREE = {1, 3, 9, 27, 81};

    private TableBlocks() {}

    static void iq4(byte[] source, float[] target, int blocks) {
        for (int b = 0; b < blocks; b++) {
            float d = SimpleBlocks.half(source, 18 * b);
            codes(source, 18 * b + 2, 16, d, NONLINEAR, target, 32 * b);
        }
    }

    static void iq4Super(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0; b < blocks; b++, at += 136) {
            float d = SimpleBlocks.half(source, at);
            int high = source[at + 2] & 0xFF | (source[at + 3] & 0xFF) << 8;
            for (int sub = 0; sub < 8; sub++) {
                int low = source[at + 4 + sub / 2] >> 4 * (sub & 1) & 15;
                float scale = d * ((low | (high >> 2 * sub & 3) << 4) - 32);
                int from = at + 8 + 16 * sub;
                codes(source, from, 16, scale, NONLINEAR, target, 256 * b + 32 * sub);
            }
        }
    }

    static void mxfp4(byte[] source, float[] target, int blocks) {
        for (int b = 0; b < blocks; b++) {
            float d = scaleOfMxfp4(source[17 * b] & 0xFF);
            codes(source, 17 * b + 1, 16, d, FLOAT4, target, 32 * b);
        }
    }

    /// Half of 2^(e − 127); the two smallest are subnormal.
    static float scaleOfMxfp4(int exponent) {
        return Float.intBitsToFloat(exponent < 2 ? 0x00200000 << exponent : exponent - 1 << 23);
    }

    /// The code of the nearest number `d · table[q]`, the first of several.
    static int nearestFloat4(float x, float d) {
        int best = 0;
        for (int q = 1; q < FLOAT4.length; q++) {
            if (Math.abs(d * FLOAT4[q] - x) < Math.abs(d * FLOAT4[best] - x)) {
                best = q;
            }
        }
        return best;
    }

    static void nvfp4(byte[] source, float[] target, int blocks) {
        for (int b = 0; b < blocks; b++) {
            for (int sub = 0; sub < 4; sub++) {
                float d = scaleOfNvfp4(source[36 * b + sub] & 0xFF);
                int from = 36 * b + 4 + 8 * sub;
                codes(source, from, 8, d, FLOAT4, target, 64 * b + 16 * sub);
            }
        }
    }

    static void ternary2(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, out = 0; b < blocks; b++, at += 66, out += 256) {
            float d = SimpleBlocks.half(source, at + 64);
            for (int i = 0; i < 256; i++) {
                int code = source[at + 32 * (i / 128) + i % 32] >> 2 * (i / 32 % 4) & 3;
                target[out + i] = d * (code - 1);
            }
        }
    }

    /// Five values to a byte, as digits of base 3: 32 bytes, then 16, then 4 of four values.
    static void ternary1(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, out = 0; b < blocks; b++, at += 54, out += 256) {
            float d = SimpleBlocks.half(source, at + 52);
            digits(source, at, 32, 5, d, target, out);
            digits(source, at + 32, 16, 5, d, target, out + 160);
            digits(source, at + 48, 4, 4, d, target, out + 240);
        }
    }

    private static void digits(
            byte[] source, int at, int bytes, int digits, float d, float[] target, int out) {
        for (int digit = 0; digit < digits; digit++) {
            for (int i = 0; i < bytes; i++) {
                // A byte is the fraction in 256ths: multiplying shifts digits out at the top.
                int rest = (source[at + i] & 0xFF) * POWERS_OF_THREE[digit] & 0xFF;
                target[out + digit * bytes + i] = d * ((rest * 3 >> 8) - 1);
            }
        }
    }

    /// `count` bytes of two codes: low halves first, then high halves.
    private static void codes(
            byte[] source, int at, int count, float d, byte[] table, float[] target, int out) {
        for (int i = 0; i < count; i++) {
            int q = source[at + i];
            target[out + i] = d * table[q & 15];
            target[out + count + i] = d * table[q >> 4 & 15];
        }
    }

    /// Half of an unsigned float with four bits of exponent and three of mantissa; 127 is no number
    /// and counts as 0.
    private static float scaleOfNvfp4(int x) {
        if (x == 0x7F) {
            return 0;
        }
        int exponent = x >> 3 & 15;
        int mantissa = x & 7;
        return exponent == 0
                ? mantissa * 0x1p-10f
                : (1 + mantissa / 8f) * Math.scalb(0.5f, exponent - 7);
    }
}
