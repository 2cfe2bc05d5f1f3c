package org.attune.tensor.vector;

/// Rows of a matrix in native memory. The memory is borrowed: its owner must keep it alive.
///
/// @param address of the first row
/// @param stride bytes from a row to the next; numbers in a row are dense
/// @param half whether numbers are bfloat16; else they are float32
public record Rows(long address, long stride, boolean half) {
    /// Whether rows of so many numbers are whole vectors, as kernels need it.
    public static boolean areWhole(int width) {
        return width % Vectors.LANES == 0;
    }

    int bytes() {
        return half ? Short.BYTES : Float.BYTES;
    }

    /// Address of a number.
    long at(int row, int column) {
        return address + row * stride + (long) column * bytes();
    }
}
