package org.attune.datasets.parquet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowFiles;
import org.attune.error.DatasetException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/// Parquet files that say something false of themselves.
class FalseParquetTest {
    private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);
    private static final int GZIP = 2;
    private static final String BROTLI_OF_64_MEBIBYTES =
            "cbffff3f002400e2b14072effff8ffff078004401c1680eefd1fffffff009000"
                    + "88c302d0bdffe3ffff1f001200715800baf77ffcffff034002200e0b40f7fe8f"
                    + "ffff7f004800c46101e8defff1ffff0f000980382c00ddfbbffcffff03200110"
                    + "8705a07bff07";

    @TempDir Path dir;

    @Test
    void theFileIsReadWhereAllIsTrue() throws IOException {
        List<Row> rows = RowFiles.readAll(file(Map.of()));
        assertEquals(List.of("one", "two"), rows.stream().map(row -> row.get("text")).toList());
    }

    @ParameterizedTest
    @CsvSource({
        "page.kind, 9, lacks its kind",
        "page.unpacked, 2000000000, is said to unpack to 2000000000",
        "page.unpacked, -5, is said to be -5",
        "page.packed, 2000000000, is said to have 2000000000 bytes",
        "page.packed, -5, is said to be -5",
        "page.values, 2000000000, is said to hold 2000000000 values",
        "page.values, 1, is said to have 2 values; its pages have 1",
        "page.values, 3, is said to have 2 values; its pages have 3",
        "chunk.values, 2000000000, row group 0 has 2 rows",
        "chunk.values, -1, is said to be -1",
        "chunk.codec, 3, compressed with lzo; accepted are none",
        "chunk.codec, 4, damaged",
        "chunk.codec, 5, damaged",
        "chunk.codec, 7, damaged",
        "chunk.codec, 99, compressed with codec 99",
        "chunk.bytes, 9000000000000000000, the data ends at",
        "chunk.bytes, 3, the header of a page is cut off",
        "chunk.bytes, 25, its column has",
        "chunk.start, 9000000000000000000, the data ends at",
        "chunk.start, 0, the data ends at",
        "chunk.type, 1, has the type 6 in the schema and 1",
        "group.rows, 2000000000, row group 0 has 2000000000 rows",
        "group.rows, -1, is said to be -1",
        "file.rows, 9000000000000000000, its groups 2",
        "schema.children, 2000000000, has more columns than it lists",
        "schema.children, 0, the schema has no columns",
        "schema.length, 2000000000, at most 1024",
        "schema.type, 77, type 77"
    })
    void whatIsFalseIsRefused(String what, long value, String message) throws IOException {
        Path file = file(Map.of(what, value));
        var refused = assertThrows(DatasetException.class, () -> RowFiles.readAll(file));
        assertTrue(refused.getMessage().contains(message), refused::getMessage);
        assertTrue(refused.getMessage().startsWith(file.toString()), refused::getMessage);
    }

    @Test
    void pagesMayNotUnpackToMuchMore() throws IOException {
        var packed = new ByteArrayOutputStream();
        int length = 1 << 26;
        try (var out = new GZIPOutputStream(packed)) {
            out.write(new byte[] {0, 0, 0, 4});
            for (int i = 0; i < 64; i++) {
                out.write(new byte[1 << 20]);
            }
        }
        Path file =
                file(
                        Map.of(
                                "page.unpacked", length + 4L,
                                "page.values", 1L,
                                "chunk.values", 1L,
                                "group.rows", 1L,
                                "file.rows", 1L,
                                "chunk.codec", (long) GZIP),
                        packed.toByteArray());
        var refused = assertThrows(DatasetException.class, () -> RowFiles.readAll(file));
        assertTrue(refused.getMessage().contains("to unpack to 67108868"), refused::getMessage);
    }

    @Test
    void brotliMayNotUnpackToMoreThanItSays() throws IOException {
        byte[] packed = HexFormat.of().parseHex(BROTLI_OF_64_MEBIBYTES);
        Path file = file(Map.of("page.unpacked", 14L, "chunk.codec", 4L), packed);
        var refused = assertThrows(DatasetException.class, () -> RowFiles.readAll(file));
        assertTrue(
                refused.getMessage().contains("is said to unpack to 14 and is larger"),
                refused::getMessage);
    }

    /// A block of literals alone, with Hadoop's frame around it and without.
    @ParameterizedTest
    @ValueSource(longs = {5, 7})
    void bothKindsOfLz4AreRead(long codec) throws IOException {
        var page = new PlainValues();
        page.add("one");
        page.add("two");
        byte[] plain = page.toByteArray();
        var packed = new ByteArrayOutputStream();
        if (codec == 5) {
            packed.writeBytes(new byte[] {0, 0, 0, (byte) plain.length});
            packed.writeBytes(new byte[] {0, 0, 0, (byte) (plain.length + 1)});
        }
        packed.write(plain.length << 4);
        packed.writeBytes(plain);
        Path file =
                file(
                        Map.of("chunk.codec", codec, "page.unpacked", (long) plain.length),
                        packed.toByteArray());
        List<Row> rows = RowFiles.readAll(file);
        assertEquals(List.of("one", "two"), rows.stream().map(row -> row.get("text")).toList());
    }

    /// Files of pyarrow; `datasets/src/test/recorded/make_parquet.py` wrote them.
    @ParameterizedTest
    @ValueSource(strings = {"lz4", "brotli"})
    void whatPyarrowWritesIsRead(String codec) throws IOException {
        Path file = dir.resolve(codec + ".parquet");
        try (var in = getClass().getResourceAsStream("/recorded/" + codec + ".parquet")) {
            Files.copy(in, file);
        }
        List<Row> rows = RowFiles.readAll(file);
        assertEquals(50, rows.size());
        assertEquals("What is 49?", rows.getLast().get("prompt"));
        assertEquals(49L, rows.getLast().get("n"));
    }

    private Path file(Map<String, Long> lies) throws IOException {
        var page = new PlainValues();
        page.add("one");
        page.add("two");
        return file(lies, page.toByteArray());
    }

    private Path file(Map<String, Long> lies, byte[] page) throws IOException {
        var file = new ByteArrayOutputStream();
        file.writeBytes(MAGIC);
        byte[] header =
                new ThriftStruct()
                        .i32(1, said(lies, "page.kind", 0))
                        .i32(2, said(lies, "page.unpacked", page.length))
                        .i32(3, said(lies, "page.packed", page.length))
                        .struct(
                                5,
                                new ThriftStruct()
                                        .i32(1, said(lies, "page.values", 2))
                                        .i32(2, 0)
                                        .i32(3, 3)
                                        .i32(4, 3))
                        .toByteArray();
        file.writeBytes(header);
        file.writeBytes(page);
        byte[] footer = footer(lies, (long) header.length + page.length).toByteArray();
        file.writeBytes(footer);
        for (int i = 0; i < Integer.BYTES; i++) {
            file.write(footer.length >>> 8 * i);
        }
        file.writeBytes(MAGIC);
        return Files.write(dir.resolve("a.parquet"), file.toByteArray());
    }

    private static ThriftStruct footer(Map<String, Long> lies, long bytes) {
        ThriftStruct meta =
                new ThriftStruct()
                        .i32(1, said(lies, "chunk.type", 6))
                        .i32s(2, List.of(0))
                        .texts(3, List.of("text"))
                        .i32(4, said(lies, "chunk.codec", 0))
                        .i64(5, lies.getOrDefault("chunk.values", 2L))
                        .i64(6, bytes)
                        .i64(7, lies.getOrDefault("chunk.bytes", bytes))
                        .i64(9, lies.getOrDefault("chunk.start", 4L));
        ThriftStruct group =
                new ThriftStruct()
                        .structs(1, List.of(new ThriftStruct().i64(2, 4).struct(3, meta)))
                        .i64(2, bytes)
                        .i64(3, lies.getOrDefault("group.rows", 2L));
        ThriftStruct root =
                new ThriftStruct().text(4, "schema").i32(5, said(lies, "schema.children", 1));
        ThriftStruct column =
                new ThriftStruct()
                        .i32(1, said(lies, "schema.type", 6))
                        .i32(2, said(lies, "schema.length", 0))
                        .i32(3, 0)
                        .text(4, "text")
                        .i32(6, 0);
        return new ThriftStruct()
                .i32(1, 1)
                .structs(2, List.of(root, column))
                .i64(3, lies.getOrDefault("file.rows", 2L))
                .structs(4, List.of(group));
    }

    private static int said(Map<String, Long> lies, String what, int truth) {
        return lies.getOrDefault(what, (long) truth).intValue();
    }
}
