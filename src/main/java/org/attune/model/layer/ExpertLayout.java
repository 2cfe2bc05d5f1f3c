package org.attune.model.layer;

import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.model.config.TensorNames;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Where the numbers of single experts stand in two tensors that hold all experts of a block. `E`
/// experts, `F` inner width, `D` model width.
///
/// @param names of single experts
/// @param stored names and order of both tensors
record ExpertLayout(TensorNames.Experts names, TensorNames.Stored stored) {
    /// What transformers 5 has in memory.
    static final TensorNames.Stored FUSED =
            new TensorNames.Stored(
                    "mlp.experts.gate_up_proj", "mlp.experts.down_proj", false, false, false);

    private static final long TILE = 32;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    /// Numbers of a matrix, or of a vector as one of one column.
    ///
    /// @param of name of the tensor
    /// @param start number of the first
    /// @param shape of the matrix or vector
    /// @param rowStep from a row to the next
    /// @param columnStep from a column to the next
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Slice(String of, long start, long[] shape, long rowStep, long columnStep) {
        long rows() {
            return shape[0];
        }

        long columns() {
            return shape.length == 1 ? 1 : shape[1];
        }

        boolean isDense() {
            return rowStep == columns() && (columns() == 1 || columnStep == 1);
        }

        /// Copies the numbers out of the whole tensor, or back into it.
        ///
        /// @param part dense
        /// @param bytes of a number: 1, 2, 4 or 8
        /// @param back whether to write into the whole
        void copy(MemorySegment whole, MemorySegment part, int bytes, boolean back) {
            long columns = columns();
            if (columns > 1 && columnStep == 1) {
                for (long row = 0; row < rows(); row++) {
                    long from = (start + row * rowStep) * bytes;
                    long to = row * columns * bytes;
                    move(whole, from, part, to, columns * bytes, back);
                }
                return;
            }
            // In tiles, since one side's rows are the other's columns.
            for (long row = 0; row < rows(); row += TILE) {
                for (long column = 0; column < columns; column += TILE) {
                    tile(whole, part, bytes, back, row, column);
                }
            }
        }

        private void tile(
                MemorySegment whole,
                MemorySegment part,
                int bytes,
                boolean back,
                long firstRow,
                long firstColumn) {
            long lastRow = Math.min(firstRow + TILE, rows());
            long lastColumn = Math.min(firstColumn + TILE, columns());
            for (long row = firstRow; row < lastRow; row++) {
                for (long column = firstColumn; column < lastColumn; column++) {
                    long from = (start + row * rowStep + column * columnStep) * bytes;
                    long to = (row * columns() + column) * bytes;
                    if (bytes == Float.BYTES && !back) {
                        part.set(INT, to, whole.get(INT, from));
                    } else if (bytes == Short.BYTES && !back) {
                        part.set(SHORT, to, whole.get(SHORT, from));
                    } else {
                        move(whole, from, part, to, bytes, back);
                    }
                }
            }
        }

        private static void move(
                MemorySegment whole,
                long from,
                MemorySegment part,
                long to,
                long bytes,
                boolean back) {
            if (back) {
                MemorySegment.copy(part, to, whole, from, bytes);
            } else {
                MemorySegment.copy(whole, from, part, to, bytes);
            }
        }
    }

    /// Every number of both tensors of a block, and of their biases, by the name of a single
    /// expert's tensor.
    ///
    /// @param block path with a dot behind it
    /// @param entries of the file
    Map<String, Slice> slices(String block, Map<String, TensorFile.Entry> entries) {
        TensorFile.Entry up = entries.get(block + stored.up());
        TensorFile.Entry down = entries.get(block + stored.down());
        requireAlike(up, down);
        long count = up.shape()[0];
        long inner = down.shape()[stored.transposed() ? 1 : 2];
        long width = down.shape()[stored.transposed() ? 2 : 1];
        return slices(block, count, inner, width, entries.containsKey(bias(block + stored.up())));
    }

    /// @param biased whether experts have biases
    Map<String, Slice> slices(String block, long count, long inner, long width, boolean biased) {
        Map<String, Slice> slices = new LinkedHashMap<>();
        String up = block + stored.up();
        String down = block + stored.down();
        int parts = names.up().size();
        long step = stored.interleaved() ? parts : 1; // between rows
        boolean turned = stored.transposed();
        for (int e = 0; e < count; e++) {
            String expert = block + names.list() + "." + e + ".";
            for (int part = 0; part < parts; part++) {
                long row = stored.interleaved() ? part : (long) part * inner;
                String path = expert + names.up().get(part);
                long first = (long) e * parts * inner;
                long[] shape = {inner, width};
                slices.put(
                        path + ".weight",
                        turned
                                ? new Slice(up, first * width + row, shape, step, parts * inner)
                                : new Slice(up, (first + row) * width, shape, step * width, 1));
                if (biased) {
                    long[] size = {inner};
                    slices.put(path + ".bias", new Slice(bias(up), first + row, size, step, 1));
                }
            }
            String path = expert + names.down();
            long[] shape = {width, inner};
            long first = e * width * inner;
            slices.put(
                    path + ".weight",
                    turned
                            ? new Slice(down, first, shape, 1, width)
                            : new Slice(down, first, shape, inner, 1));
            if (biased) {
                long[] size = {width};
                slices.put(path + ".bias", new Slice(bias(down), e * width, size, 1, 1));
            }
        }
        return slices;
    }

    /// Shapes of the tensors that [#slices] cuts.
    Map<String, long[]> shapes(String block, long count, long inner, long width, boolean biased) {
        long both = names.up().size() * inner;
        Map<String, long[]> shapes = new LinkedHashMap<>();
        boolean turned = stored.transposed();
        String up = block + stored.up();
        String down = block + stored.down();
        shapes.put(up, turned ? new long[] {count, width, both} : new long[] {count, both, width});
        shapes.put(
                down, turned ? new long[] {count, inner, width} : new long[] {count, width, inner});
        if (biased) {
            shapes.put(bias(up), new long[] {count, both});
            shapes.put(bias(down), new long[] {count, width});
        }
        return shapes;
    }

    /// Blocks of MXFP4 and numbers have biases of one name.
    private static String bias(String tensor) {
        return Mxfp4.plain(tensor) + "_bias";
    }

    private void requireAlike(TensorFile.Entry up, TensorFile.Entry down) {
        long[] u = up.shape();
        long[] d = down.shape();
        int parts = names.up().size();
        boolean turned = stored.transposed();
        boolean alike =
                u.length == 3
                        && d.length == 3
                        && u[0] == d[0]
                        && u[turned ? 2 : 1] == parts * d[turned ? 1 : 2]
                        && u[turned ? 1 : 2] == d[turned ? 2 : 1];
        if (!alike) {
            throw new ModelException(
                    "tensor \"%s\" has shape %s and \"%s\" %s; expected %s"
                            .formatted(
                                    up.name(),
                                    Arrays.toString(u),
                                    down.name(),
                                    Arrays.toString(d),
                                    turned
                                            ? "(E, D, %dF) and (E, F, D)".formatted(parts)
                                            : "(E, %dF, D) and (E, D, F)".formatted(parts)));
        }
    }

    /// The layouts that a family's files may have, its own first.
    static List<TensorNames.Stored> known(TensorNames.Experts names) {
        return names.stored()
                .map(
                        own ->
                                List.of(
                                        own,
                                        new TensorNames.Stored(
                                                Mxfp4.named(own.up()),
                                                Mxfp4.named(own.down()),
                                                false,
                                                own.interleaved(),
                                                false)))
                .orElse(List.of(FUSED));
    }
}
