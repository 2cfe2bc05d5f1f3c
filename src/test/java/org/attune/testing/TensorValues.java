package org.attune.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.files.TensorFile;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Values of a tensor file as Java arrays.
public final class TensorValues {
    private TensorValues() {}

    public static float[] floats(TensorFile file, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = file.read(name, arena);
            return switch (file.entries().get(name).dtype()) {
                case FLOAT32 -> data.toArray(ValueLayout.JAVA_FLOAT);
                case FLOAT16 -> widen(data.toArray(ValueLayout.JAVA_SHORT), true);
                case BFLOAT16 -> widen(data.toArray(ValueLayout.JAVA_SHORT), false);
                case FLOAT64 -> {
                    double[] values = data.toArray(ValueLayout.JAVA_DOUBLE);
                    var result = new float[values.length];
                    for (int i = 0; i < values.length; i++) {
                        result[i] = (float) values[i];
                    }
                    yield result;
                }
                default -> throw new IllegalArgumentException(name + " holds no real numbers");
            };
        }
    }

    /// float32 bit patterns, so that −0 differs from 0 and NaNs can be compared.
    public static int[] bits(TensorFile file, String name) {
        float[] values = floats(file, name);
        var result = new int[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = Float.floatToRawIntBits(values[i]);
        }
        return result;
    }

    public static long[] integers(TensorFile file, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = file.read(name, arena);
            int width = file.entries().get(name).dtype().bytes();
            var result = new long[(int) (data.byteSize() / width)];
            for (int i = 0; i < result.length; i++) {
                result[i] =
                        switch (width) {
                            case 1 -> data.get(ValueLayout.JAVA_BYTE, i);
                            case 2 -> data.getAtIndex(ValueLayout.JAVA_SHORT, i);
                            case 4 -> data.getAtIndex(ValueLayout.JAVA_INT, i);
                            default -> data.getAtIndex(ValueLayout.JAVA_LONG, i);
                        };
            }
            return result;
        }
    }

    private static float[] widen(short[] values, boolean half) {
        var result = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] =
                    half ? Float.float16ToFloat(values[i]) : Float.intBitsToFloat(values[i] << 16);
        }
        return result;
    }

    /// Compares what a file gives as bfloat16 with what libtorch rounds its float32 numbers to.
    ///
    /// @return whether the file rounds this tensor
    public static boolean assertRounded(TensorFile file, String name) {
        TensorFile.Entry entry = file.entries().get(name);
        if (entry.dtype() != DType.FLOAT32 || !file.gives(name, DType.BFLOAT16)) {
            return false;
        }
        try (Arena arena = Arena.ofShared()) {
            MemorySegment rounded = arena.allocate(entry.count() * DType.BFLOAT16.bytes());
            file.read(name, DType.BFLOAT16, rounded);
            MemorySegment values = file.read(name, arena);
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("rounded")) {
                            Tensor expected =
                                    Tensor.ofMemory(
                                                    Device.cpu(),
                                                    DType.FLOAT32,
                                                    values,
                                                    entry.shape())
                                            .to(DType.BFLOAT16);
                            assertEquals(-1, expected.memory().mismatch(rounded), name);
                        }
                    });
        }
        return true;
    }
}
