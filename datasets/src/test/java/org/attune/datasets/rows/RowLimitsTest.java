package org.attune.datasets.rows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;

/// Files that are damaged or mean harm end with an error, in memory that their limits bound.
class RowLimitsTest {
    private static final int MIB = 1 << 20;

    @TempDir Path dir;

    @Tag("thorough")
    @ParameterizedTest
    @CsvSource({
        "a.jsonl, '{\"text\": \"', :1: the line is longer than 32 MiB",
        "a.json, '[{\"text\": \"', :1: the element is longer than 32 MiB",
        "a.txt, x, :1: the line is longer than 32 MiB",
        "a.csv, 'text\n\"', :2: the row (is a quote that is opened in it never closed?) is longer",
        "a.jsonl.gz, '{\"text\": \"', :1: the line is longer than 32 MiB",
        "a.csv.gz, 'text\n\"', :2: the row"
    })
    void rowsHaveALimit(String name, String start, String message) throws IOException {
        Path file = dir.resolve(name);
        try (OutputStream out = open(file)) {
            out.write(start.getBytes(StandardCharsets.UTF_8));
            byte[] block = new byte[MIB];
            Arrays.fill(block, (byte) 'x');
            for (int i = 0; i < 33; i++) {
                out.write(block);
            }
        }
        assertRefused(file, name + message);
        assertRefused(file, "-Dattune.max.row=64");
    }

    @Tag("thorough")
    @Test
    void compressedFilesMayNotUnpackToMuchMore() throws IOException {
        Path file = dir.resolve("a.txt.gz");
        try (OutputStream out = open(file)) {
            byte[] lines = "\n".repeat(MIB).getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < 100; i++) {
                out.write(lines);
            }
        }
        assertRefused(file, "unpack to more than 7");
        assertRefused(file, "-Dattune.max.unpacked=1024");
    }

    private static OutputStream open(Path file) throws IOException {
        OutputStream out = new BufferedOutputStream(Files.newOutputStream(file));
        return file.toString().endsWith(".gz") ? new GZIPOutputStream(out) : out;
    }

    @Test
    void aJsonArrayOnOneLineMayBeLong() throws IOException {
        String row = "{\"text\": \"" + "x".repeat(MIB) + "\"}";
        try (OutputStream out = open(dir.resolve("a.json"))) {
            for (int i = 0; i < 40; i++) {
                out.write(((i == 0 ? "[" : ",") + row).getBytes(StandardCharsets.UTF_8));
            }
            out.write(']');
        }
        assertEquals(40, RowFiles.readAll(dir.resolve("a.json")).size());
    }

    @Test
    void everyMemberOfGzipDataIsRead() throws IOException {
        byte[] two = concat(gzip("{\"text\": \"one\"}\n"), gzip("{\"text\": \"two\"}\n"));
        assertEquals(2, RowFiles.readAll(write("a.jsonl.gz", two)).size());
        byte[] padded = Arrays.copyOf(two, two.length + 512);
        assertEquals(2, RowFiles.readAll(write("a.jsonl.gz", padded)).size());
    }

    @Test
    void damagedGzipDataIsNoEndOfTheFile() throws IOException {
        byte[] one = gzip("{\"text\": \"one\"}\n");
        byte[] two = concat(one, one);
        byte[] mark = two.clone();
        mark[one.length + 1] = 0;
        assertRefused(write("a.jsonl.gz", mark), "bytes that are no gzip");
        assertRefused(write("a.jsonl.gz", concat(one, new byte[] {'x'})), "bytes that are no gzip");
        assertRefused(
                write("a.jsonl.gz", Arrays.copyOf(two, two.length - 9)),
                "the gzip data ends too early");
        byte[] sum = one.clone();
        sum[one.length - 8] ^= 1;
        assertRefused(write("a.jsonl.gz", sum), "its checksum differs");
        assertRefused(write("a.jsonl.gz", new byte[0]), "not in gzip's format");
        assertRefused(write("a.jsonl.gz", "{}\n".getBytes(StandardCharsets.UTF_8)), "not in gzip");
    }

    @Test
    void whatNoRowNeedsIsRefused() throws IOException {
        assertRefused(json("9".repeat(1001)), "a number of more than 1000 digits");
        assertRefused(json("[" + "[],".repeat(MIB) + "0]"), "more than 1048576 values in one row");
        assertRefused(json("[".repeat(501) + "]".repeat(501)), "nested too deeply");
        assertRefused(json("{\"" + "k".repeat(50_001) + "\": 1}"), "a key of more than 50000");
        assertRefused(write("a.csv", utf8("x,".repeat(10_000) + "x\n")), "more than 10000 fields");
    }

    @Test
    void keysOfOneHashAreOrdinaryKeys() throws IOException {
        var keys = new StringBuilder("{");
        for (int i = 0; i < 1 << 12; i++) {
            for (int bit = 0; bit < 12; bit++) {
                keys.append(bit == 0 ? "\"" : "").append((i >> bit & 1) == 0 ? "Aa" : "BB");
            }
            keys.append("\": 1").append(i + 1 < 1 << 12 ? ", " : "}\n");
        }
        assertEquals(
                4096,
                RowFiles.readAll(write("a.jsonl", utf8(keys.toString())))
                        .getFirst()
                        .columns()
                        .size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.txt", "a.csv", "a.jsonl", "a.json"})
    void otherEncodingsAreRefused(String name) throws IOException {
        String text = "{\"text\": \"x\"}\n";
        for (Charset charset : List.of(StandardCharsets.UTF_16, StandardCharsets.UTF_16LE)) {
            Path file = write(name, text.getBytes(charset));
            assertThrows(DatasetException.class, () -> RowFiles.readAll(file), charset::name);
        }
    }

    private Path json(String value) throws IOException {
        return write("a.jsonl", utf8("{\"x\": " + value + "}\n"));
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] gzip(String text) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(bytes)) {
            out.write(utf8(text));
        }
        return bytes.toByteArray();
    }

    private static byte[] concat(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    private Path write(String name, byte[] bytes) throws IOException {
        return Files.write(dir.resolve(name), bytes);
    }

    private static void assertRefused(Path file, String words) {
        var refused = assertThrows(DatasetException.class, () -> RowFiles.readAll(file));
        assertTrue(refused.getMessage().contains(words), refused::getMessage);
    }
}
