package org.attune.files.gguf;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// GGUF's blocks of 32 values with one scale `d`, and in the `_1` kinds an offset `m`:
/// ```
/// centred:  x = d · (q − half)          offset:  x = d · q + m
/// ```
/// Rounded after each operation, so results equal ggml's bit for bit. The low four bits of the
/// first 16 values and those of the last 16 share bytes; a fifth bit stands in a 32-bit word.
final class SimpleBlocks {
    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private SimpleBlocks() {}

    /// The float16 number at `at`.
    static float half(byte[] source, int at) {
        return Float.float16ToFloat((short) SHORT.get(source, at));
    }

    static int int32(byte[] source, int at) {
        return (int) INT.get(source, at);
    }

    static void q4Centred(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, out = 0; b < blocks; b++, at += 18, out += 32) {
            float d = half(source, at);
            for (int i = 0; i < 16; i++) {
                int q = source[at + 2 + i];
                target[out + i] = d * ((q & 15) - 8);
                target[out + 16 + i] = d * ((q >> 4 & 15) - 8);
            }
        }
    }

    static void q4Offset(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, out = 0; b < blocks; b++, at += 20, out += 32) {
            float d = half(source, at);
            float m = half(source, at + 2);
            for (int i = 0; i < 16; i++) {
                int q = source[at + 4 + i];
                target[out + i] = d * (q & 15) + m;
                target[out + 16 + i] = d * (q >> 4 & 15) + m;
            }
        }
    }

    static void q5Centred(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, out = 0; b < blocks; b++, at += 22, out += 32) {
            float d = half(source, at);
            int high = int32(source, at + 2);
            for (int i = 0; i < 16; i++) {
                int q = source[at + 6 + i];
                target[out + i] = d * ((q & 15 | (high >> i & 1) << 4) - 16);
                target[out + 16 + i] = d * ((q >> 4 & 15 | (high >>> i + 16 & 1) << 4) - 16);
            }
        }
    }

    static void q5Offset(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, out = 0; b < blocks; b++, at += 24, out += 32) {
            float d = half(source, at);
            float m = half(source, at + 2);
            int high = int32(source, at + 4);
            for (int i = 0; i < 16; i++) {
                int q = source[at + 8 + i];
                target[out + i] = d * (q & 15 | (high >> i & 1) << 4) + m;
                target[out + 16 + i] = d * (q >> 4 & 15 | (high >>> i + 16 & 1) << 4) + m;
            }
        }
    }

    static void q8(byte[] source, float[] target, int blocks) {
        for (int b = 0, at = 0, out = 0; b < blocks; b++, at += 34, out += 32) {
            float d = half(source, at);
            for (int i = 0; i < 32; i++) {
                target[out + i] = d * source[at + 2 + i];
            }
        }
    }
}
