package org.attune.model.layer;

import org.attune.error.ModelException;
import org.attune.files.FewBits;
import org.attune.files.TensorFile;
import org.attune.tensor.DType;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.GroupRows;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// Numbers in blocks of 32 with 4 bits each and a common power of two, [Rouhani et al. 2023, Table
/// 1](https://arxiv.org/abs/2310.10537), as gpt-oss's files hold experts: `…_blocks`
/// `(E, rows, columns / 32, 16)`, the lower four bits of a byte first, and `…_scales`
/// `(E, rows, columns / 32)`.
final class Mxfp4 {
    private static final String BLOCKS = "_blocks";
    private static final String SCALES = "_scales";
    private static final int BLOCK = 32;
    private static final int HALF = 4; // bits of a byte

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

    /// A matrix within blocks. Its rows are whole blocks, which stay as they are but for the order
    /// of a byte's halves.
    ///
    /// @param slice of the numbers
    /// @param blocks reads all of them
    /// @param scales reads all of them
    static FewBits bits(
            ExpertLayout.Slice slice,
            Supplier<MemorySegment> blocks,
            Supplier<MemorySegment> scales) {
        long count = slice.rows() * slice.columns() / BLOCK;
        return new FewBits(
                "MXFP4",
                List.of(count * BLOCK / 2, count),
                memory -> {
                    copy(slice, blocks.get(), memory.get(0), BLOCK / 2);
                    turn(memory.get(0));
                    copy(slice, scales.get(), memory.get(1), 1);
                    return rows(memory, Math.toIntExact(slice.columns()));
                });
    }

    private static GroupRows rows(List<MemorySegment> memory, int columns) {
        var scales =
                new GroupRows.Scales(
                        memory.get(1), GroupRows.Scales.Kind.POWER, 1, BLOCK, columns / BLOCK);
        return new GroupRows(
                memory.get(0),
                GroupRows.Codes.FLOAT4,
                scales,
                Optional.empty(),
                0,
                Optional.empty(),
                columns,
                VectorKernels.isAvailable());
    }

    /// @param bytes of a block
    private static void copy(
            ExpertLayout.Slice slice, MemorySegment whole, MemorySegment part, int bytes) {
        long length = slice.columns() / BLOCK * bytes;
        for (long row = 0; row < slice.rows(); row++) {
            long from = (slice.start() + row * slice.rowStep()) / BLOCK * bytes;
            MemorySegment.copy(whole, from, part, row * length, length);
        }
    }

    private static void turn(MemorySegment codes) {
        for (long at = 0; at < codes.byteSize(); at++) {
            int two = Byte.toUnsignedInt(codes.get(ValueLayout.JAVA_BYTE, at));
            codes.set(ValueLayout.JAVA_BYTE, at, (byte) (two << HALF | two >> HALF));
        }
    }
}
