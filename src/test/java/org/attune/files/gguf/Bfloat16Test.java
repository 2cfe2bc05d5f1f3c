package org.attune.files.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.api.Test;

class Bfloat16Test {
    private static int[] rounded(int... bits) {
        float[] from = new float[bits.length];
        for (int i = 0; i < bits.length; i++) {
            from[i] = Float.intBitsToFloat(bits[i]);
        }
        short[] to = new short[bits.length];
        Bfloat16.round(from, to, bits.length);
        int[] got = new int[bits.length];
        for (int i = 0; i < got.length; i++) {
            got[i] = Short.toUnsignedInt(to[i]);
        }
        return got;
    }

    @Test
    void roundsToTheNearestAndTiesToEven() {
        assertArrayEquals(
                new int[] {0x3f80, 0x3f80, 0x3f81, 0x3f82, 0x3f82, 0xbf82, 0},
                rounded(
                        0x3f80_0000,
                        0x3f80_8000,
                        0x3f80_8001,
                        0x3f81_8000,
                        0x3f82_7fff,
                        0xbf81_8000,
                        0x0000_0001));
    }

    /// The largest numbers become infinite, and a NaN stays one whatever its bits are.
    @Test
    void keepsWhatIsNoNumber() {
        assertArrayEquals(
                new int[] {0x7f80, 0xff80, 0x7f80, 0x7fc0, 0x7fc0, 0x7fc0, 0x8000},
                rounded(
                        0x7f80_0000,
                        0xff80_0000,
                        0x7f7f_ffff,
                        0x7f80_0001,
                        0x7fff_ffff,
                        0xffff_ffff,
                        0x8000_0000));
    }
}
