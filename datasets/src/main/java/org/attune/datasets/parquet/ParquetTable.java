package org.attune.datasets.parquet;

import org.attune.files.AtomicFile;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// A table that is small enough to be built in memory. Equal tables give equal bytes.
///
/// @param columns at least one, of different names and as many rows
public record ParquetTable(List<ParquetColumn> columns) {
    private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 1;
    private static final String ROOT = "schema";
    private static final String WRITER = "attune";

    /// @throws IllegalArgumentException if the columns are none, or differ in their rows or not in
    ///     their names
    public ParquetTable {
        columns = List.copyOf(columns);
        if (columns.isEmpty()) {
            throw new IllegalArgumentException("a table needs a column");
        }
        Set<String> names = new HashSet<>();
        int rows = columns.getFirst().values().size();
        for (ParquetColumn column : columns) {
            if (column.values().size() != rows) {
                throw new IllegalArgumentException(
                        "column \"%s\" has %d rows, \"%s\" has %d"
                                .formatted(
                                        column.name(),
                                        column.values().size(),
                                        columns.getFirst().name(),
                                        rows));
            }
            if (!names.add(column.name())) {
                throw new IllegalArgumentException("two columns are named " + column.name());
            }
        }
    }

    /// Number of rows.
    public int rows() {
        return columns.getFirst().values().size();
    }

    /// Writes the file whole or not at all.
    public void write(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(toByteArray());
        AtomicFile.write(
                file,
                channel -> {
                    while (bytes.hasRemaining()) {
                        channel.write(bytes);
                    }
                });
    }

    /// The file: a mark, one row group, the footer and its length, the mark.
    byte[] toByteArray() {
        var file = new ByteArrayOutputStream();
        file.writeBytes(MAGIC);
        List<ThriftStruct> schema = new ArrayList<>();
        schema.add(new ThriftStruct().text(4, ROOT).i32(5, columns.size()));
        List<ThriftStruct> chunks = new ArrayList<>();
        long bytes = 0;
        for (ParquetColumn column : columns) {
            ColumnLayout layout = ColumnLayout.of(column);
            schema.addAll(layout.schema());
            for (LeafColumn leaf : layout.leaves()) {
                LeafColumn.Chunk chunk = leaf.write(file);
                chunks.add(chunk.column());
                bytes += chunk.bytes();
            }
        }
        ThriftStruct group = new ThriftStruct().structs(1, chunks).i64(2, bytes).i64(3, rows());
        byte[] footer =
                new ThriftStruct()
                        .i32(1, VERSION)
                        .structs(2, schema)
                        .i64(3, rows())
                        .structs(4, List.of(group))
                        .text(6, WRITER)
                        .toByteArray();
        file.writeBytes(footer);
        for (int i = 0; i < Integer.BYTES; i++) {
            file.write(footer.length >>> 8 * i);
        }
        file.writeBytes(MAGIC);
        return file.toByteArray();
    }
}
