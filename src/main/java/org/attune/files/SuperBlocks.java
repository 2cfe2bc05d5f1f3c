package org.attune.files;

/// GGUF's "K" blocks of 256 values: sub-blocks with small integer scales `s` (and offsets `o`),
/// and
/// one float16 factor for each kind.
/// ```
/// Q4_K, Q5_K:  x = (d · s) · q − (dmin · o)        Q6_K:  x = (d · s) · (q − 32)
/// ```
/// Rounded after each operation, so results equal ggml's bit for bit.
final class SuperBlocks {
    private SuperBlocks() {}

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

    /// Six-bit scale `j` of eight: the first four stand in the low bits of bytes 0–3; the others
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
