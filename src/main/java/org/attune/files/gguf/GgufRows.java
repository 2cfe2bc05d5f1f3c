package org.attune.files.gguf;

import org.attune.error.ModelException;
import org.attune.files.DataChannel;
import org.attune.files.TensorRows;
import org.attune.tensor.DType;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.stream.IntStream;

/// Reads one tensor row by row, dequantising and reordering on the way. Groups of rows are
/// decoded
/// by all cores into reused buffers; the calling thread copies them, since the target may be
/// confined to it.
final class GgufRows {
    /// Values that one core decodes at a time: the buffers of a core fit its second-level cache.
    private static final int GROUP_VALUES = 1 << 16;

    private static final int MAX_ROW_VALUES = 1 << 24;

    private final DataChannel channel;
    private final GgufHeader.Tensor tensor;
    private final TensorRows order;
    private final DType as;
    private final long rows;
    private final long rowValues;
    private final int groupRows;

    /// @param as the tensor's type, or bfloat16 of a quantised one
    GgufRows(DataChannel channel, GgufHeader.Tensor tensor, TensorRows order, DType as) {
        this.channel = channel;
        this.tensor = tensor;
        this.order = order;
        this.as = as;
        this.rowValues = order.isIdentity() ? tensor.type().block() : rowLength(tensor.shape());
        this.rows = rowValues == 0 ? 0 : tensor.count() / rowValues;
        this.groupRows = (int) Math.max(1, GROUP_VALUES / Math.max(1, rowValues));
    }

    /// Rows that stay where they are need no borders: there, a row is a block. A reordered
    /// vector is a column of rows of one value.
    private long rowLength(long[] shape) {
        long length = shape.length == 1 ? 1 : shape[shape.length - 1];
        if (length > MAX_ROW_VALUES) {
            throw new ModelException(
                    "%s: tensor \"%s\" has rows of %d values; at most %d are accepted"
                            .formatted(channel.file(), tensor.name(), length, MAX_ROW_VALUES));
        }
        return length;
    }

    /// Fills `target` with all rows.
    void read(MemorySegment target) {
        int cores = Runtime.getRuntime().availableProcessors();
        long groups = Math.ceilDiv(rows, groupRows);
        int lanes = (int) Math.min(cores, groups);
        var buffers = new Lane[lanes];
        for (long first = 0; first < groups; first += lanes) {
            long start = first;
            int busy = (int) Math.min(lanes, groups - first);
            IntStream.range(0, busy)
                    .parallel()
                    .forEach(
                            lane -> {
                                if (buffers[lane] == null) {
                                    buffers[lane] = new Lane();
                                }
                                buffers[lane].decode((start + lane) * groupRows);
                            });
            for (int lane = 0; lane < busy; lane++) {
                buffers[lane].copyTo(target);
            }
        }
    }

    /// Buffers of one core.
    private final class Lane {
        private final byte[] encoded = new byte[(int) tensor.type().bytes(rowValues * groupRows)];
        private final float[] values =
                tensor.type().isQuantised() ? new float[(int) (rowValues * groupRows)] : null;
        private final short[] rounded =
                values != null && as == DType.BFLOAT16 ? new short[values.length] : null;
        private long firstRow;
        private int count;

        void decode(long first) {
            firstRow = first;
            count = (int) Math.min(groupRows, rows - first);
            GgufType type = tensor.type();
            long position = tensor.position() + type.bytes(first * rowValues);
            int bytes = (int) type.bytes(count * rowValues);
            channel.read(position, ByteBuffer.wrap(encoded, 0, bytes));
            if (values != null) {
                type.decoder().decode(encoded, values, bytes / type.blockBytes());
                if (rounded != null) {
                    Bfloat16.round(values, rounded, (int) (count * rowValues));
                }
            }
        }

        private MemorySegment decoded() {
            if (rounded != null) {
                return MemorySegment.ofArray(rounded);
            }
            return values == null ? MemorySegment.ofArray(encoded) : MemorySegment.ofArray(values);
        }

        void copyTo(MemorySegment target) {
            MemorySegment source = decoded();
            long rowBytes = rowValues * as.bytes();
            if (order.isIdentity()) {
                MemorySegment.copy(source, 0, target, firstRow * rowBytes, count * rowBytes);
                return;
            }
            for (int row = 0; row < count; row++) {
                long to = order.target(firstRow + row) * rowBytes;
                MemorySegment.copy(source, row * rowBytes, target, to, rowBytes);
            }
        }
    }
}
