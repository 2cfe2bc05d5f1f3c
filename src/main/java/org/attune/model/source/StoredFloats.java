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
}
