package org.attune.datasets.rows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;

class RowFilesTest {
    @TempDir Path dir;

    @Test
    void jsonLinesKeepOrderAndKindsOfNumbers() throws IOException {
        List<Row> rows =
                read(
                        "a.jsonl",
                        "{\"b\": 1, \"a\": 1.0, \"n\": 10000000000000000000, \"z\": null}\n");
        assertEquals(List.of("b", "a", "n", "z"), List.copyOf(rows.get(0).columns().keySet()));
        assertEquals(1L, rows.get(0).get("b"));
        assertEquals(1.0, rows.get(0).get("a"));
        assertEquals(new BigInteger("10000000000000000000"), rows.get(0).get("n"));
    }

    @Test
    void onlyLineFeedsEndALine() throws IOException {
        List<Row> rows = read("a.jsonl", "{\"t\": \"a\u2028b\u0085c\"}\r\n\n{\"t\": \"d\"}");
        assertEquals("a\u2028b\u0085c", rows.get(0).get("t"));
        assertEquals(new RowOrigin(dir.resolve("a.jsonl").toString(), 3, 1), rows.get(1).origin());
    }

    @Test
    void aBadLineDoesNotHideTheNextOne() throws IOException {
        var faults = new ArrayList<String>();
        List<Row> rows = read("a.jsonl", "{\"t\": 1}\n{\"t\": }\n[]\n{\"t\": 2}\n", faults);
        assertEquals(2, rows.size());
        assertEquals(2, faults.size());
        assertTrue(faults.get(0).contains("a.jsonl:2: column "), faults.get(0));
        assertTrue(faults.get(1).contains("a.jsonl:3: a list"), faults.get(1));
        assertEquals(4, rows.get(1).origin().line());
    }

    private List<String> texts(String name, String text, SampleBy unit) throws IOException {
        Path file = Files.writeString(dir.resolve(name), text);
        List<String> read = new ArrayList<>();
        RowFiles.read(
                file,
                new RowSink() {
                    @Override
                    public void row(Row row) {
                        read.add(row.origin().line() + ":" + row.get("text"));
                    }

                    @Override
                    public void fault(RowOrigin origin, DatasetException fault) {
                        throw fault;
                    }
                },
                unit);
        return read;
    }

    @Test
    void plainTextIsCutAsAskedFor() throws IOException {
        String text = "\r\none\r\n two\n\n\n \nthree";
        assertEquals(List.of("2:one", "3: two", "7:three"), texts("a.txt", text, SampleBy.LINE));
        assertEquals(
                List.of("2:one\n two", "6: \nthree"), texts("a.txt", text, SampleBy.PARAGRAPH));
        assertEquals(
                List.of("1:\none\n two\n\n\n \nthree\n"), texts("a.txt", text, SampleBy.DOCUMENT));
        for (SampleBy unit : SampleBy.values()) {
            assertThrows(DatasetException.class, () -> texts("b.txt", " \n\n", unit));
        }
    }

    @Test
    void linesLongerThanTheBufferAreWhole() throws IOException {
        String text = "x".repeat(300_000);
        assertEquals(text, read("a.jsonl", "{\"t\": \"" + text + "\"}\n").get(0).get("t"));
    }

    @Test
    void arraysAreReadRowByRowWithTheirLines() throws IOException {
        List<Row> rows = read("a.json", "[\n {\"t\": 1},\n\n {\"t\": 2}\n]\n");
        assertEquals(2, rows.get(0).origin().line());
        assertEquals(4, rows.get(1).origin().line());
    }

    @Test
    void jsonFilesThatHoldLinesAreReadAsLines() throws IOException {
        assertEquals(2, read("a.json", "{\"t\": 1}\n{\"t\": 2}\n").size());
    }

    @Test
    void gzippedFilesAreUnpacked() throws IOException {
        Path file = dir.resolve("a.jsonl.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write("{\"t\": 1}\n".getBytes(StandardCharsets.UTF_8));
        }
        assertEquals(1, collect(file, new ArrayList<>()).size());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            textBlock =
                    """
                    "\\x41"   ~ unknown escape \\x in a string; a backslash itself is written \\\\
                    "\\'"     ~ unknown escape \\' in a string; a backslash itself is written \\\\
                    "\\ud800" ~ lone surrogate \\ud800, half of a character
                    "\\ude00\\ud83d" ~ lone surrogate \\ude00, half of a character
                    1.         ~ '}' where a number should have a digit
                    -          ~ '}' where a number should have a digit
                    +1         ~ '+' before a number; JSON wants none
                    /* */ 1    ~ '/' is not expected here; JSON has no comments
                    """)
    void whatIsNoJsonIsNamedInPlainWords(String value, String problem) throws IOException {
        String row = "{\"t\": " + value + "}\n";
        for (String name : List.of("a.jsonl", "a.json")) {
            String text = name.endsWith("l") ? "{}\n" + row : "[\n" + row + "]";
            Path file = Files.writeString(dir.resolve(name), text);
            var error = assertThrows(DatasetException.class, () -> RowFiles.readAll(file));
            assertTrue(
                    error.getMessage().matches(".*:2: column \\d+: \\Q" + problem + "\\E"),
                    error::getMessage);
        }
    }

    @Test
    void invalidUtf8IsLocatedInFilesReadAsCharacters() throws IOException {
        Path file = dir.resolve("a.csv");
        byte[] bytes = "t,u\nok,ok\nca?,b\n".getBytes(StandardCharsets.UTF_8);
        bytes[12] = (byte) 0xe9;
        Files.write(file, bytes);
        var error = assertThrows(DatasetException.class, () -> collect(file, new ArrayList<>()));
        assertTrue(
                error.getMessage().startsWith(file + ":3: byte 2 of the line (0xe9)"),
                error::getMessage);
    }

    @Test
    void csvValuesStayStrings() throws IOException {
        List<Row> rows = read("a.csv", "id,v\n007,NA\n\"a,\"\"b\"\"\n\",\n");
        assertEquals("007", rows.get(0).get("id"));
        assertEquals("NA", rows.get(0).get("v"));
        assertEquals("a,\"b\"\n", rows.get(1).get("id"));
        assertEquals("", rows.get(1).get("v"));
    }

    /// Spreadsheets of many countries write semicolons into files that are called `.csv`.
    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            textBlock =
                    """
                    "a";"b"|"1";"x,y"             ~ {a=1, b=x,y}
                    "a";"b"|"1;2";"x""y"          ~ {a=1;2, b=x"y}
                    "a,b";c|1,5;2                 ~ {a,b=1,5, c=2}
                    a;b|"x";"y"                   ~ {a=x, b=y}
                    a;b|1;2                       ~ {a=1, b=2}
                    "a";"b,c"|1;2                 ~ {a=1, b,c=2}
                    "a;b",c|1,2                   ~ {a;b=1, c=2}
                    a;b,c|1;2,3                   ~ {a;b=1;2, c=3}
                    "a;b"|1                       ~ {a;b=1}
                    "a\""","b;"|1,2               ~ {a"=1, b;=2}
                    "a\tb"\tc|1\t2             ~ {a\tb=1, c=2}
                    """)
    void theHeaderSaysWhatTheDelimiterIs(String text, String row) throws IOException {
        String file = text.replace('|', '\n') + "\n";
        List<Row> rows = read("a.csv", file);
        assertEquals(row, rows.getFirst().columns().toString());
        assertEquals(
                rows.getFirst().columns(), read("b.csv", "\uFEFF" + file).getFirst().columns());
    }

    @Test
    void anotherDelimiterBehindAQuoteIsNamed() {
        var error = assertThrows(DatasetException.class, () -> read("a.csv", "a,b\n\"x\";\"y\"\n"));
        assertTrue(
                error.getMessage()
                        .endsWith(
                                ":2: ';' after a closing quote; write ',' between fields, and a"
                                        + " quote inside a field twice"),
                error::getMessage);
    }

    @Test
    void tabsSeparateInTsv() throws IOException {
        assertEquals("b,c", read("a.tsv", "x\ty\na\tb,c\n").get(0).get("y"));
    }

    @Test
    void textIsOneRowALine() throws IOException {
        List<Row> rows = read("a.txt", "first\r\n\n  second\n");
        assertEquals(List.of("first", "  second"), rows.stream().map(r -> r.get("text")).toList());
        assertEquals(3, rows.get(1).origin().line());
    }

    @Test
    void unknownExtensionsAreRefusedWithTheKnownOnes() {
        var error =
                assertThrows(
                        DatasetException.class,
                        () -> collect(dir.resolve("a.orc"), new ArrayList<>()));
        assertTrue(error.getMessage().contains(".parquet"), error::getMessage);
    }

    @Test
    void anAbsentFileIsSaidToBeAbsent() {
        var error =
                assertThrows(
                        DatasetException.class,
                        () -> collect(dir.resolve("no.jsonl"), new ArrayList<>()));
        assertTrue(error.getMessage().endsWith("there is no such file"), error::getMessage);
    }

    private List<Row> read(String name, String text) throws IOException {
        var faults = new ArrayList<String>();
        List<Row> rows = read(name, text, faults);
        assertEquals(List.of(), faults);
        return rows;
    }

    private List<Row> read(String name, String text, List<String> faults) throws IOException {
        return collect(Files.writeString(dir.resolve(name), text), faults);
    }

    private static List<Row> collect(Path file, List<String> faults) {
        var rows = new ArrayList<Row>();
        RowFiles.read(
                file,
                new RowSink() {
                    @Override
                    public void row(Row row) {
                        rows.add(row);
                    }

                    @Override
                    public void fault(RowOrigin origin, DatasetException fault) {
                        faults.add(fault.getMessage());
                    }
                });
        return rows;
    }
}
