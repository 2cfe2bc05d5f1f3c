package org.attune.model.layer;

import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.tensor.DType;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Map;

/// Numbers in blocks of 32 with 4 bits each and a common power of two, [Rouhani et al. 2023, Table
/// 1](https://arxiv.org/abs/2310.10537), as gpt-oss's files hold experts: `…_blocks`
/// `(E, rows, columns / 32, 16)`, the lower four bits of a byte first, and `…_scales`
/// `(E, rows, columns / 32)`.
final class Mxfp4 {
    private static final String BLOCKS = "_blocks";
    private static final String SCALES = "_scales";
    private static final int BLOCK = 32;
    private static final int BIAS = 127;
    private static final int NOT_A_NUMBER = 255;

    /// One bit of sign, two of exponent, one of mantissa.
    private static final float[] VALUES = {
        0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6
    };

    private Mxfp4() {}

    /// Name of the blocks of a tensor.
    static String named(String tensor) {
        return tensor + BLOCKS;
    }

    /// Name of the tensor whose blocks these are; any other name as it is.
    static String plain(String name) {
        return isBlocks(name) ? name.substring(0, name.length() - BLOCKS.length()) : name;
    }

    /// Name of the scales of blocks.
    static String scales(String blocks) {
        return plain(blocks) + SCALES;
    }

    static boolean isBlocks(String name) {
        return name.endsWith(BLOCKS);
    }

    /// The tensor that blocks hold; any other as it is.
    ///
    /// @throws ModelException if blocks and scales don't fit together
    static TensorFile.Entry decoded(TensorFile.Entry entry, Map<String, TensorFile.Entry> entries) {
        if (!isBlocks(entry.name())) {
            return entry;
        }
        long[] shape = entry.shape();
        TensorFile.Entry scales = entries.get(scales(entry.name()));
        boolean fits =
                entry.dtype() == DType.UINT8
                        && shape.length == 4
                        && shape[3] == BLOCK / 2
                        && scales != null
                        && scales.dtype() == DType.UINT8
                        && Arrays.equals(scales.shape(), Arrays.copyOf(shape, 3));
        if (!fits) {
            throw new ModelException(
                    ("tensor \"%s\" has shape %s and type %s, and \"%s\" %s; expected bytes of"
                         + " shape (E, rows, columns / 32, 16) and (E, rows, columns / 32)")
                            .formatted(
                                    entry.name(),
                                    Arrays.toString(shape),
                                    entry.dtype(),
                                    scales(entry.name()),
                                    scales == null ? "none" : Arrays.toString(scales.shape())));
        }
        return new TensorFile.Entry(
                entry.name(), DType.FLOAT32, new long[] {shape[0], shape[1], BLOCK * shape[2]});
    }

    /// Writes some numbers as float32, all of a row that stand side by side.
    ///
    /// @param start number of the first, a multiple of 32
    /// @param rowStep from a row to the next, a multiple of 32
    /// @param columns of a row, a multiple of 32
    static void decode(
            MemorySegment blocks,
            MemorySegment scales,
            long start,
            long rowStep,
            long columns,
            MemorySegment out) {
        long rows = out.byteSize() / Float.BYTES / columns;
        long at = 0;
        for (long row = 0; row < rows; row++) {
            long first = (start + row * rowStep) / BLOCK;
            for (long b = first; b < first + columns / BLOCK; b++) {
                float scale = scale(Byte.toUnsignedInt(scales.get(ValueLayout.JAVA_BYTE, b)));
                for (int i = 0; i < BLOCK / 2; i++) {
                    int two = blocks.get(ValueLayout.JAVA_BYTE, b * (BLOCK / 2) + i);
                    out.setAtIndex(
                            ValueLayout.JAVA_FLOAT_UNALIGNED, at++, VALUES[two & 15] * scale);
                    out.setAtIndex(
                            ValueLayout.JAVA_FLOAT_UNALIGNED, at++, VALUES[two >> 4 & 15] * scale);
                }
            }
        }
    }

    private static float scale(int exponent) {
        return exponent == NOT_A_NUMBER
                ? Float.NaN
                : (float) Math.scalb(1.0, exponent - BIAS); // a float32 has all of them
    }
}
