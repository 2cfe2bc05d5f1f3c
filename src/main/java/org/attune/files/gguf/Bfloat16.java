package org.attune.files.gguf;

/// Bfloat16 numbers: the upper half of a float32.
final class Bfloat16 {
    private static final int HALF_BITS = 16;
    private static final int ROUND_UP = 0x7fff;
    private static final int MAGNITUDE = 0x7fffffff;
    private static final int INFINITY = 0x7f800000;
    private static final short NAN = 0x7fc0;

    private Bfloat16() {}

    /// The nearest numbers, ties to even.
    static void round(float[] from, short[] to, int count) {
        for (int i = 0; i < count; i++) {
            int bits = Float.floatToRawIntBits(from[i]);
            int odd = bits >>> HALF_BITS & 1;
            short nearest = (short) (bits + ROUND_UP + odd >>> HALF_BITS);
            to[i] = (bits & MAGNITUDE) > INFINITY ? NAN : nearest;
        }
    }
}
