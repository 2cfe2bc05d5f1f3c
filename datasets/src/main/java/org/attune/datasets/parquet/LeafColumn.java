package org.attune.datasets.parquet;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;

/// Values at one leaf of the schema, with the two levels by which Parquet tells where a list
/// begins and what is missing. Written as one page, compressed with gzip.
///
/// @param path names from the root to the leaf
/// @param type physical type: [#BOOLEAN], [#INT64], [#DOUBLE], [#BYTE_ARRAY]
/// @param maxRepetition lists on the way
/// @param maxDefinition optional or repeated nodes on the way; a value that is there has this
///     level
/// @param cells what stands there, in order
record LeafColumn(
        List<String> path, int type, int maxRepetition, int maxDefinition, List<Cell> cells) {
    static final int BOOLEAN = 0;
    static final int INT64 = 2;
    static final int DOUBLE = 5;
    static final int BYTE_ARRAY = 6;

    private static final int PLAIN = 0;
    private static final int RLE = 3;
    private static final int GZIP = 2;
    private static final int DATA_PAGE = 0;

    /// A value or the lack of one.
    ///
    /// @param repetition 0 begins a row, 1 goes on in the same list
    /// @param definition how far down the path something is there
    /// @param value null unless the definition is the column's highest
    record Cell(int repetition, int definition, Object value) {}

    /// Where a column's bytes are, for the footer.
    ///
    /// @param column the file's `ColumnChunk`
    /// @param bytes length before compression
    record Chunk(ThriftStruct column, long bytes) {}

    /// Appends the page.
    Chunk write(ByteArrayOutputStream file) {
        byte[] plain = page();
        byte[] packed = gzip(plain);
        ThriftStruct data =
                new ThriftStruct().i32(1, cells.size()).i32(2, PLAIN).i32(3, RLE).i32(4, RLE);
        byte[] header =
                new ThriftStruct()
                        .i32(1, DATA_PAGE)
                        .i32(2, plain.length)
                        .i32(3, packed.length)
                        .struct(5, data)
                        .toByteArray();
        long offset = file.size();
        file.writeBytes(header);
        file.writeBytes(packed);
        long unpacked = (long) header.length + plain.length;
        ThriftStruct meta =
                new ThriftStruct()
                        .i32(1, type)
                        .i32s(2, List.of(PLAIN, RLE))
                        .texts(3, path)
                        .i32(4, GZIP)
                        .i64(5, cells.size())
                        .i64(6, unpacked)
                        .i64(7, (long) header.length + packed.length)
                        .i64(9, offset);
        return new Chunk(new ThriftStruct().i64(2, offset).struct(3, meta), unpacked);
    }

    private byte[] page() {
        var page = new ByteArrayOutputStream();
        if (maxRepetition > 0) {
            levels(page, cells.stream().map(Cell::repetition).toList());
        }
        levels(page, cells.stream().map(Cell::definition).toList());
        var values = new PlainValues();
        for (Cell cell : cells) {
            if (cell.definition() == maxDefinition) {
                values.add(cell.value());
            }
        }
        page.writeBytes(values.toByteArray());
        return page.toByteArray();
    }

    /// Runs of equal levels: twice the length, then the level, which fits a byte.
    private static void levels(ByteArrayOutputStream page, List<Integer> levels) {
        var runs = new ByteArrayOutputStream();
        List<Integer> run = new ArrayList<>();
        for (int level : levels) {
            if (!run.isEmpty() && run.getLast() != level) {
                end(run, runs);
            }
            run.add(level);
        }
        end(run, runs);
        for (int i = 0; i < Integer.BYTES; i++) {
            page.write(runs.size() >>> 8 * i);
        }
        page.writeBytes(runs.toByteArray());
    }

    private static void end(List<Integer> run, ByteArrayOutputStream runs) {
        if (!run.isEmpty()) {
            ThriftStruct.varint(runs, 2L * run.size());
            runs.write(run.getLast());
            run.clear();
        }
    }

    private static byte[] gzip(byte[] plain) {
        var packed = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(packed)) {
            gzip.write(plain);
        } catch (IOException e) {
            throw new UncheckedIOException("memory can always be written to", e);
        }
        return packed.toByteArray();
    }
}
