package org.attune.tensor.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Numbers in the processor's memory by their addresses, rounded as kernels round them.
@SuppressWarnings("restricted")
final class HostNumbers {
    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private HostNumbers() {}

    /// Number `i` of bfloat16 numbers.
    static float half(long address, long i) {
        short bits = ALL.get(ValueLayout.JAVA_SHORT_UNALIGNED, address + i * Short.BYTES);
        return Float.intBitsToFloat(bits << Short.SIZE);
    }

    static void putHalf(long address, long i, float value) {
        int bits = Float.floatToRawIntBits(rounded(value));
        ALL.set(
                ValueLayout.JAVA_SHORT_UNALIGNED,
                address + i * Short.BYTES,
                (short) (bits >>> Short.SIZE));
    }

    /// To the nearest bfloat16 number, halfway to the even one.
    static float rounded(float value) {
        if (Float.isNaN(value)) {
            return Float.NaN;
        }
        int bits = Float.floatToRawIntBits(value);
        int odd = bits >>> Short.SIZE & 1;
        return Float.intBitsToFloat(bits + 0x7FFF + odd & 0xFFFF0000);
    }

    static float real(long address, long i) {
        return ALL.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address + i * Float.BYTES);
    }

    static void putReal(long address, long i, float value) {
        ALL.set(ValueLayout.JAVA_FLOAT_UNALIGNED, address + i * Float.BYTES, value);
    }

    static double wide(long address, long i) {
        return ALL.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, address + i * Double.BYTES);
    }

    static void putWide(long address, long i, double value) {
        ALL.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, address + i * Double.BYTES, value);
    }

    static int whole(long address, long i) {
        return ALL.get(ValueLayout.JAVA_INT_UNALIGNED, address + i * Integer.BYTES);
    }

    /// An int64 number.
    static long token(long address, long i) {
        return ALL.get(ValueLayout.JAVA_LONG_UNALIGNED, address + i * Long.BYTES);
    }

    /// Four bfloat16 numbers at once, of which each one whose lane of `kept` is 0 becomes 0.
    static void copyKept(long from, long to, long kept) {
        long four = ALL.get(ValueLayout.JAVA_LONG_UNALIGNED, from);
        ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, to, four & kept);
    }
}
