package org.attune.files.gguf;

/// GGUF's "K" blocks of 256 values: sub-blocks with small integer scales `s` (and offsets `o`),
/// and
/// one float16 factor for each kind.
/// ```
/// Q2_K, Q4_K, Q5_K:  x = (d · s) · q − (dmin · o)
/// Q3_K:              x = (d · (s − 32)) · (q − 4)
/// Q6_K:              x = (d · s) · (q − 32)
/// ```
/// Rounded after each operation, so results equal ggml's bit for bit.
final class SuperBlocks {
    private SuperBlocks() {}

    static void q2(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, out = 0; b < blocks; b++, at += 84, out += 256) {
            float d = SimpleBlocks.half(source, at + 80);
            float dmin = SimpleBlocks.half(source, at + 82);
            for (int sub = 0; sub < 16; sub++) {
                int packed = source[at + sub];
                float scale = d * (packed & 15);
                float offset = dmin * (packed >> 4 & 15);
                int codes = at + 16 + twoBitCodes(sub);
                int shift = sub & 6;
                for (int i = 0; i < 16; i++) {
                    int q = source[codes + i] >> shift & 3;
                    target[out + 16 * sub + i] = scale * q - offset;
                }
            }
        }
    }

    static void q3(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, out = 0; b < blocks; b++, at += 110, out += 256) {
            float d = SimpleBlocks.half(source, at + 108);
            for (int sub = 0; sub < 16; sub++) {
                float scale = d * (scaleOfQ3(source, at + 96, sub) - 32);
                int codes = at + 32 + twoBitCodes(sub);
                int third = at + 16 * (sub & 1);
                for (int i = 0; i < 16; i++) {
                    // The third bit is kept inverted: where it is 0, 4 is taken off.
                    int q =
                            (source[codes + i] >> (sub & 6) & 3)
                                    - 4
                                    + 4 * (source[third + i] >> sub / 2 & 1);
                    target[out + 16 * sub + i] = scale * q;
                }
            }
        }
    }

    static void q4(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, out = 0; b < blocks; b++, at += 144, out += 256) {
            float d = SimpleBlocks.half(source, at);
            float dmin = SimpleBlocks.half(source, at + 2);
            for (int pair = 0; pair < 4; pair++) {
                float lowScale = d * scale(source, at + 4, 2 * pair);
                float lowOffset = dmin * offset(source, at + 4, 2 * pair);
                float highScale = d * scale(source, at + 4, 2 * pair + 1);
                float highOffset = dmin * offset(source, at + 4, 2 * pair + 1);
                int codes = at + 16 + 32 * pair;
                int to = out + 64 * pair;
                for (int i = 0; i < 32; i++) {
                    int q = source[codes + i];
                    target[to + i] = lowScale * (q & 15) - lowOffset;
                    target[to + 32 + i] = highScale * (q >> 4 & 15) - highOffset;
                }
            }
        }
    }

    static void q5(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, out = 0; b < blocks; b++, at += 176, out += 256) {
            float d = SimpleBlocks.half(source, at);
            float dmin = SimpleBlocks.half(source, at + 2);
            for (int pair = 0; pair < 4; pair++) {
                float lowScale = d * scale(source, at + 4, 2 * pair);
                float lowOffset = dmin * offset(source, at + 4, 2 * pair);
                float highScale = d * scale(source, at + 4, 2 * pair + 1);
                float highOffset = dmin * offset(source, at + 4, 2 * pair + 1);
                int codes = at + 48 + 32 * pair;
                int to = out + 64 * pair;
                for (int i = 0; i < 32; i++) {
                    int q = source[codes + i];
                    int fifth = source[at + 16 + i] >> 2 * pair;
                    target[to + i] = lowScale * (q & 15 | (fifth & 1) << 4) - lowOffset;
                    target[to + 32 + i] = highScale * (q >> 4 & 15 | (fifth & 2) << 3) - highOffset;
                }
            }
        }
    }

    static void q6(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, out = 0; b < blocks; b++, at += 210, out += 256) {
            float d = SimpleBlocks.half(source, at + 208);
            for (int half = 0; half < 2; half++) {
                for (int quarter = 0; quarter < 4; quarter++) {
                    int low = at + 64 * half + 32 * (quarter & 1);
                    int high = at + 128 + 32 * half;
                    int scales = at + 192 + 8 * half + 2 * quarter;
                    int to = out + 128 * half + 32 * quarter;
                    int lowShift = 4 * (quarter >> 1);
                    int highShift = 2 * quarter;
                    for (int i = 0; i < 32; i++) {
                        int q =
                                source[low + i] >> lowShift & 15
                                        | (source[high + i] >> highShift & 3) << 4;
                        target[to + i] = d * source[scales + i / 16] * (q - 32);
                    }
                }
            }
        }
    }

    /// Where the codes of the 16 values of sub-block `sub` begin: eight sub-blocks share 32
    /// bytes, two bits each.
    private static int twoBitCodes(int sub) {
        return 32 * (sub / 8) + 16 * (sub & 1);
    }

    /// Six-bit scale `j` of sixteen: four bits in bytes 0–7, two in bytes 8–11.
    private static int scaleOfQ3(byte[] source, int at, int j) {
        int low = source[at + j % 8] >> 4 * (j / 8) & 15;
        return low | (source[at + 8 + j % 4] >> 2 * (j / 4) & 3) << 4;
    }

    /// Six-bit scale `j` of eight. The first four stand in the low bits of bytes 0–3; the others
    /// have four bits in bytes 8–11 and two in the high bits of bytes 0–3.
    private static int scale(byte[] source, int at, int j) {
        return j < 4
                ? source[at + j] & 63
                : source[at + 4 + j] & 15 | (source[at + j - 4] >> 2 & 48);
    }

    /// Six-bit offset `j`: as [#scale], with bytes 4–7 and the high halves of bytes 8–11.
    private static int offset(byte[] source, int at, int j) {
        return j < 4
                ? source[at + 4 + j] & 63
                : source[at + 4 + j] >> 4 & 15 | (source[at + j] >> 2 & 48);
    }
}
