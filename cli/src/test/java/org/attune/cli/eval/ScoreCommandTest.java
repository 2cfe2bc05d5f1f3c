package org.attune.cli.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.cli.Main;
import org.attune.datasets.rows.RowFiles;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Rows scored by models that the test trains for a step.
@Tag("thorough")
class ScoreCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path MODEL =
            Path.of(System.getProperty("attune.root", "..")).resolve("examples/model");

    @TempDir static Path shared;
    @TempDir Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void train() throws IOException {
        Path pairs =
                Files.writeString(
                        shared.resolve("pairs.jsonl"),
                        "{\"prompt\": \"Sort: 2 1\", \"chosen\": \"1 2\", \"rejected\": \"2 1\"}\n"
                                .repeat(8));
        train("reward", pairs);
        Path steps =
                Files.writeString(
                        shared.resolve("steps.jsonl"),
                        "{\"prompt\": \"Sort: 2 1\", \"completions\": [\"1\", \"2\"], \"labels\": [true, false]}\n"
                                .repeat(8));
        train("prm", steps);
    }

    private static void train(String method, Path rows) throws IOException {
        Path run =
                Files.writeString(
                        shared.resolve(method + ".yaml"),
                        """
                        model_name_or_path: %s
                        datasets: %s
                        output_dir: %s
                        use_peft: true
                        dtype: float32
                        max_steps: 1
                        learning_rate: 1e-2
                        """
                                .formatted(MODEL.toAbsolutePath(), rows, shared.resolve(method)));
        assertEquals(0, Main.run(method, run.toString()));
    }

    private int score(String method, Path data, Path written, String... more) {
        err.getBuffer().setLength(0);
        out.getBuffer().setLength(0);
        List<String> words = new ArrayList<>(List.of("score", "--dtype", "float32"));
        words.addAll(List.of("--model", shared.resolve(method).toString()));
        words.addAll(List.of("--data", data.toString(), "--out", written.toString()));
        words.addAll(List.of(more));
        return Main.commandLine(new PrintWriter(out), new PrintWriter(err), "score")
                .execute(words.toArray(String[]::new));
    }

    private Path file(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }

    private static List<JsonNode> lines(Path file) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            lines.add(JSON.readTree(line));
        }
        return lines;
    }

    @Test
    void pairsAndSingleAnswersHaveTheSameScores() throws IOException {
        Path pairs =
                file(
                        "pairs.jsonl",
                        """
                        {"id": 7, "prompt": "Sort: 3 1", "chosen": "1 3", "rejected": "3 1"}
                        {"id": 8, "prompt": "Sort: 9 4 5", "chosen": "4 5 9", "rejected": "9 5 4"}
                        """);
        Path answers =
                file(
                        "answers.jsonl",
                        """
                        {"prompt": "Sort: 3 1", "completion": "1 3"}
                        {"prompt": "Sort: 3 1", "completion": "3 1"}
                        {"prompt": "Sort: 9 4 5", "completion": "4 5 9"}
                        """);
        Path one = folder.resolve("made/one.jsonl");
        Path two = folder.resolve("two.jsonl");
        assertEquals(0, score("reward", pairs, one), err::toString);
        String shown = out.toString();
        assertTrue(shown.contains("4 scores: mean "), shown);
        assertEquals(0, score("reward", answers, two), err::toString);
        List<JsonNode> a = lines(one);
        List<JsonNode> b = lines(two);
        assertEquals(List.of(7, 8), a.stream().map(n -> n.get("id").asInt()).toList());
        assertEquals(
                b.get(0).get("score").asDouble(), a.get(0).get("score_chosen").asDouble(), 1e-5);
        assertEquals(
                b.get(1).get("score").asDouble(), a.get(0).get("score_rejected").asDouble(), 1e-5);
        assertEquals(
                b.get(2).get("score").asDouble(), a.get(1).get("score_chosen").asDouble(), 1e-5);
        double margin =
                a.get(0).get("score_chosen").asDouble() - a.get(0).get("score_rejected").asDouble();
        assertTrue(Math.abs(margin) > 1e-4, "the model tells answers apart: " + margin);
        double other =
                a.get(1).get("score_chosen").asDouble() - a.get(1).get("score_rejected").asDouble();
        String accuracy =
                margin > 0 && other > 0 ? "1.0000" : margin > 0 || other > 0 ? "0.5000" : "0.0000";
        assertTrue(shown.contains("accuracy on 2 pairs: " + accuracy), shown);
    }

    @Test
    void stepsAreScoredOneByOne() throws IOException {
        Path rows =
                file(
                        "rows.jsonl",
                        "{\"prompt\": \"Sort: 3 1\", \"completions\": [\"1\", \"3\", \"x\"],"
                                + " \"labels\": [true, true, false]}\n");
        Path split =
                file("split.jsonl", "{\"prompt\": \"Sort: 3 1\", \"completion\": \"1\\n3\\nx\"}\n");
        Path one = folder.resolve("one.jsonl");
        Path two = folder.resolve("two.jsonl");
        assertEquals(0, score("prm", rows, one), err::toString);
        assertTrue(out.toString().contains("accuracy on 3 steps: "), out.toString());
        assertEquals(0, score("prm", split, two), err::toString);
        JsonNode scores = lines(one).getFirst().get("step_scores");
        assertEquals(3, scores.size());
        for (int i = 0; i < 3; i++) {
            double value = scores.get(i).asDouble();
            assertTrue(value > 0 && value < 1, scores.toString());
            assertEquals(value, lines(two).getFirst().get("step_scores").get(i).asDouble(), 1e-6);
        }
    }

    @Test
    void parquetHoldsTheSame() throws IOException {
        Path rows =
                file(
                        "rows.jsonl",
                        """
                        {"prompt": "Sort: 3 1", "completion": "1 3", "n": 1, "tags": ["a", "b"]}
                        {"prompt": "Sort: 2 1", "completion": "1 2", "n": 2, "tags": []}
                        """);
        Path lines = folder.resolve("scores.jsonl");
        Path table = folder.resolve("scores.parquet");
        assertEquals(0, score("reward", rows, lines), err::toString);
        assertEquals(0, score("reward", rows, table), err::toString);
        var read = RowFiles.readAll(table);
        for (int i = 0; i < 2; i++) {
            JsonNode line = lines(lines).get(i);
            assertEquals(line.get("score").asDouble(), read.get(i).get("score"));
            assertEquals(line.get("n").asLong(), read.get(i).get("n"));
            assertEquals(line.get("tags").toString(), read.get(i).get("tags"));
            assertEquals(line.get("completion").asText(), read.get(i).get("completion"));
        }
    }

    @Test
    void whatCannotBeScoredLeavesNoFile() throws IOException {
        Path scores = folder.resolve("scores.jsonl");
        Path bad =
                file(
                        "bad.jsonl",
                        """
                        {"prompt": "Sort: 3 1", "completion": "1 3"}
                        {"prompt": "Sort: 3 1", "completion": 5}
                        """);
        assertEquals(1, score("reward", bad, scores));
        assertTrue(err.toString().contains("bad.jsonl:2"), err.toString());
        Path taken =
                file("taken.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\", \"score\": 1}\n");
        assertEquals(1, score("reward", taken, scores));
        assertTrue(
                err.toString().contains("taken.jsonl:1: the row has a column score"),
                err.toString());
        assertEquals(2, score("reward", taken, folder.resolve("scores.txt")));
        assertTrue(err.toString().contains("ends in .jsonl or .parquet"), err.toString());
        assertFalse(Files.exists(scores));
    }

    @Test
    void onlyRewardModelsScore() throws IOException {
        Path rows = file("rows.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\"}\n");
        int code =
                Main.commandLine(new PrintWriter(out), new PrintWriter(err), "score")
                        .execute(
                                "score",
                                "--model",
                                MODEL.toString(),
                                "--data",
                                rows.toString(),
                                "--out",
                                folder.resolve("s.jsonl").toString());
        assertEquals(2, code);
        assertTrue(err.toString().contains("is no reward model"), err.toString());
    }
}
