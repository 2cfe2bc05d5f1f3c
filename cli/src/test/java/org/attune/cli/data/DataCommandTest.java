package org.attune.cli.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.Main;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowFiles;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

class DataCommandTest {
    @TempDir Path dir;
    private Path rows;

    @BeforeEach
    void write() throws IOException {
        rows =
                Files.writeString(
                        dir.resolve("rows.jsonl"),
                        """
                        {"prompt": "What is 2 + 2?", "completion": "4; \\"four\\""}
                        {"prompt": "what  is 2 + 2?", "completion": "4; \\"FOUR\\""}
                        {"prompt": "What is 2 + 2?", "completion": "four\\nagain"}
                        {"prompt": "Name a colour", "completion": "Red", "n": 1}
                        """);
    }

    private String run(int expected, Object... words) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        var printed = new ByteArrayOutputStream();
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        System.setErr(System.out);
        try {
            List<String> all = new ArrayList<>(List.of("data"));
            for (Object word : words) {
                all.add(word.toString());
            }
            int code = Main.run(all.toArray(String[]::new));
            assertEquals(expected, code, printed.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
        return printed.toString(StandardCharsets.UTF_8);
    }

    private static List<Map<String, Object>> read(Path file) {
        return RowFiles.readAll(file).stream().map(Row::columns).toList();
    }

    @Test
    void rowsAreLookedAt() {
        String said = run(0, "inspect", rows);
        assertTrue(said.contains("rows of the type prompt_completion, for sft"), said);
        assertTrue(said.contains("4 rows, of which 1 repeat another"), said);
        assertTrue(said.contains("prompt: text, 3 different, 13 to 15 characters"), said);
        assertTrue(said.contains("n: number in 1 of 4 rows, 1 different"), said);
    }

    @Test
    void everyFormatGivesTheRowsBack() {
        List<Map<String, Object>> before = read(rows);
        for (String ending : List.of("jsonl.gz", "json", "json.gz", "jsonl", "parquet")) {
            Path to = dir.resolve("converted." + ending);
            assertTrue(run(0, "convert", rows, "--out", to).contains(to + ": 4 rows"));
            List<Map<String, Object>> after = new ArrayList<>();
            for (Map<String, Object> row : read(to)) {
                Map<String, Object> filled = new java.util.LinkedHashMap<>(row);
                filled.values().removeIf(value -> value == null);
                after.add(filled);
            }
            assertEquals(before, after, ending);
        }
    }

    @Test
    void delimitedTextIsQuoted() throws IOException {
        for (String ending : List.of("csv", "tsv", "csv.gz")) {
            Path to = dir.resolve("converted." + ending);
            run(0, "convert", rows, "--out", to);
            List<Map<String, Object>> after = read(to);
            assertEquals("4; \"four\"", after.get(0).get("completion"));
            assertEquals("four\nagain", after.get(2).get("completion"));
            assertEquals(List.of("", "1"), List.of(after.get(0).get("n"), after.get(3).get("n")));
        }
        String text = Files.readString(dir.resolve("converted.csv"));
        assertTrue(
                text.startsWith("prompt,completion,n\nWhat is 2 + 2?,\"4; \"\"four\"\"\",\n"),
                text);
    }

    @Test
    void whatCannotBeWrittenIsRefused() throws IOException {
        assertTrue(run(2, "convert", rows, "--out", rows).contains("is there already"));
        String said = run(2, "convert", rows, "--out", dir.resolve("x.arrow"));
        assertTrue(said.contains("written are .jsonl, .json, .csv"), said);
        Path chat =
                Files.writeString(
                        dir.resolve("chat.jsonl"),
                        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}\n");
        said = run(1, "convert", chat, "--out", dir.resolve("x.parquet"));
        assertTrue(said.contains("chat.jsonl:1: column \"messages\" holds a value"), said);
        assertFalse(Files.exists(dir.resolve("x.parquet")));
        Path broken = Files.writeString(dir.resolve("b.jsonl"), "{\"a\": 1}\n{\"a\": \n");
        said = run(1, "convert", broken, "--out", dir.resolve("x.csv"));
        assertTrue(said.contains("b.jsonl:2"), said);
        assertFalse(Files.exists(dir.resolve("x.csv")));
    }

    @Test
    void exactDuplicatesAreLeftOut() {
        Path to = dir.resolve("left.jsonl");
        String said = run(0, "dedup", rows, "--out", to);
        assertTrue(said.contains("rows.jsonl:2 is " + rows + ":1 again"), said);
        assertTrue(said.contains("4 rows: 1 exact duplicates, 3 stay, in " + to), said);
        assertEquals(3, read(to).size());
        assertEquals("four\nagain", read(to).get(1).get("completion"));
        said = run(0, "dedup", rows, "--columns", "prompt");
        assertTrue(said.contains("2 exact duplicates, 2 stay; --out writes them"), said);
        said = run(1, "dedup", rows, "--columns", "question");
        assertTrue(said.contains("rows.jsonl:1: the row has none of the columns [question]"), said);
    }

    @Test
    void nearDuplicatesAreLeftOut() throws IOException {
        String long1 = "the quick brown fox jumps over the lazy dog and runs into the deep wood ";
        Path near =
                Files.writeString(
                        dir.resolve("near.txt"),
                        long1.repeat(1)
                                + words(0, 200)
                                + "\n"
                                + long1
                                + words(0, 200)
                                + " indeed\n"
                                + words(500, 200)
                                + "\n");
        String said = run(0, "dedup", near, "--near", "0.8");
        assertTrue(said.contains("near.txt:2 is nearly " + near + ":1"), said);
        assertTrue(said.contains("3 rows: 0 exact duplicates, 1 near ones"), said);
        assertTrue(said.contains("2 stay"), said);
        assertTrue(run(2, "dedup", near, "--near", "1.5").contains("accepted: a number in (0, 1]"));
    }

    private static String words(int from, int count) {
        var text = new StringBuilder();
        for (int i = from; i < from + count; i++) {
            text.append("word").append(i).append(' ');
        }
        return text.toString();
    }

    @Test
    void rowsWithOnePromptStayTogether() throws IOException {
        var text = new StringBuilder();
        for (int i = 0; i < 60; i++) {
            text.append("{\"prompt\": \"p%d\", \"completion\": \"c%d\"}\n".formatted(i / 3, i));
        }
        Path file = Files.writeString(dir.resolve("p.jsonl"), text);
        String said = run(0, "split", file, "--test", "0.2", "--out", dir.resolve("a"));
        assertTrue(said.contains("test.jsonl: 12 rows"), said);
        assertTrue(said.contains("60 rows in 20 groups"), said);
        Set<Object> train = prompts(dir.resolve("a/train.jsonl"));
        Set<Object> test = prompts(dir.resolve("a/test.jsonl"));
        assertEquals(4, test.size());
        assertEquals(16, train.size());
        train.retainAll(test);
        assertEquals(Set.of(), train);
        run(0, "split", file, "--test", "0.2", "--out", dir.resolve("b"));
        assertEquals(test, prompts(dir.resolve("b/test.jsonl")));
        run(0, "split", file, "--test", "0.2", "--seed", "1", "--out", dir.resolve("c"));
        assertFalse(test.equals(prompts(dir.resolve("c/test.jsonl"))));
        said = run(0, "split", file, "--test", "7", "--out", dir.resolve("d"), "--format", "csv");
        assertTrue(said.contains("test.csv: 6 rows, not 7: groups stay whole"), said);
        said = run(0, "split", file, "--test", "7", "--by", "none", "--out", dir.resolve("e"));
        assertTrue(said.contains("test.jsonl: 7 rows"), said);
        assertTrue(
                run(2, "split", file, "--test", "60", "--out", dir.resolve("f"))
                        .contains("nothing would be left"));
        assertTrue(
                run(2, "split", file, "--test", "2", "--out", dir.resolve("g"))
                        .contains("no group has at most 2"));
    }

    private static Set<Object> prompts(Path file) {
        var prompts = new HashSet<Object>();
        read(file).forEach(row -> prompts.add(row.get("prompt")));
        return prompts;
    }
}
