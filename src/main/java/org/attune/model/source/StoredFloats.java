package org.attune.model.source;

import org.attune.tensor.DType;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Numbers as files hold them, in Java.
final class StoredFloats {
    private StoredFloats() {}

    /// @param stored little endian, in `dtype`
    static float[] of(MemorySegment stored, DType dtype) {
        if (dtype == DType.FLOAT32) {
            return stored.toArray(ValueLayout.JAVA_FLOAT);
        }
        short[] halves = stored.toArray(ValueLayout.JAVA_SHORT);
        float[] values = new float[halves.length];
        for (int i = 0; i < values.length; i++) {
            values[i] =
                    dtype == DType.FLOAT16
                            ? Float.float16ToFloat(halves[i])
                            : Float.intBitsToFloat(halves[i] << 16);
        }
        return values;
    }

    /// Puts a number that [#rounded] gave.
    static void put(float value, DType dtype, MemorySegment stored, long at) {
        if (dtype == DType.FLOAT32) {
            stored.setAtIndex(ValueLayout.JAVA_FLOAT, at, value);
        } else {
            stored.setAtIndex(ValueLayout.JAVA_SHORT, at, half(value, dtype));
        }
    }

    /// The nearest number of a type.
    static float rounded(float value, DType dtype) {
        return switch (dtype) {
            case FLOAT32 -> value;
            case FLOAT16 -> Float.float16ToFloat(half(value, dtype));
            default -> Float.intBitsToFloat(half(value, dtype) << 16);
        };
    }

    private static short half(float value, DType dtype) {
        if (dtype == DType.FLOAT16) {
            return Float.floatToFloat16(value);
        }
        int bits = Float.floatToRawIntBits(value);
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16); // to even
    }

    /// What 1 and the next larger number of a type differ by.
    static float step(DType dtype) {
        return switch (dtype) {
            case FLOAT32 -> 0x1p-23f;
            case FLOAT16 -> 0x1p-10f;
            default -> 0x1p-7f;
        };
    }
}
