package org.attune.cli.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.cli.Main;
import org.attune.json.Json;
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

/// Runs of the embedded model that are asked tasks while they train.
class EvalTasksTest {
    private static final Path EXAMPLES =
            Path.of(System.getProperty("attune.root", "..")).resolve("examples").toAbsolutePath();

    private static final String TASKS =
            """
            eval_tasks:
            - {name: sort, data: %s, verifier: exact, n: 12, max_new_tokens: 16}
            - {task: number-sorting, n: 3, max_new_tokens: 8, samples: 2, temperature: 1.0}
            """;

    @TempDir Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private Path file(String yaml) throws IOException {
        return Files.writeString(
                folder.resolve("run.yaml"),
                """
                model_name_or_path: %s
                datasets: %s
                use_peft: true
                dtype: float32
                max_length: 64
                learning_rate: 3e-3
                max_steps: 4
                save_steps: 2
                """
                                .formatted(
                                        EXAMPLES.resolve("model"),
                                        EXAMPLES.resolve("quickstart/pairs.jsonl") + "")
                        + TASKS.formatted(EXAMPLES.resolve("quickstart/heldout.jsonl"))
                        + yaml);
    }

    private int command(String... words) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Main.commandLine(new PrintWriter(out), new PrintWriter(err), words[0])
                .execute(words);
    }

    private Path train(Path file, String name, String... more) {
        Path result = folder.resolve(name);
        List<String> words = new ArrayList<>(List.of("dpo", file.toString()));
        words.add("output_dir=" + result);
        words.addAll(List.of(more));
        assertEquals(0, command(words.toArray(String[]::new)), err::toString);
        return result;
    }

    private static List<JsonNode> lines(Path file) throws IOException {
        List<JsonNode> nodes = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            nodes.add(Json.MAPPER.readTree(line));
        }
        return nodes;
    }

    /// What every evaluation found, by step.
    private static List<String> found(Path run) throws IOException {
        return lines(run.resolve("metrics.jsonl")).stream()
                .filter(line -> line.has("eval_sort_reward"))
                .map(
                        line ->
                                "%s %s %s"
                                        .formatted(
                                                line.get("step"),
                                                line.get("eval_sort_reward"),
                                                line.get("eval_number-sorting_reward")))
                .toList();
    }

    @Test
    void aRunWithoutHeldOutRowsIsComparedByItsFirstTask() throws IOException {
        Path file = file("");
        Path run = train(file, "out", "eval_strategy=steps", "eval_steps=2");
        assertEquals(
                List.of("0", "2", "4"), found(run).stream().map(s -> s.split(" ")[0]).toList());
        JsonNode heldout = Json.MAPPER.readTree(run.resolve("summary.json").toFile());
        assertEquals("eval_sort_reward", heldout.at("/heldout/metric").asText());
        assertEquals(12, heldout.at("/heldout/n").asInt());

        Path rows = folder.resolve("rows.jsonl");
        String model = EXAMPLES.resolve("model").toString();
        assertEquals(
                0,
                command(
                        "eval",
                        "--model=" + model,
                        "--adapter=" + run,
                        "--dtype=float32",
                        "--tasks=" + file,
                        "--out=" + rows),
                err::toString);
        List<JsonNode> judged = lines(rows);
        assertEquals(12 + 3, judged.size());
        double sum = 0;
        for (JsonNode row : judged.subList(0, 12)) {
            sum += row.at("/rewards/0").asDouble();
        }
        double after = heldout.at("/heldout/after").asDouble();
        assertEquals(sum / 12, after, 1e-12);
        assertTrue(after > 0, "nothing was right, so that the comparison says nothing");
    }

    @Tag("thorough")
    @Test
    void tasksChangeNoNumberOfTheRunAndAreTheSameWhenItIsResumed() throws IOException {
        Path file = file("test_split_size: 8\neval_strategy: steps\neval_steps: 1\n");
        Path whole = train(file, "whole");
        assertTrue(out.toString().contains("before (by construction"), out::toString);
        Path without = train(file, "without", "eval_tasks=[]");
        assertEquals(
                -1,
                Files.mismatch(
                        whole.resolve("adapter_model.safetensors"),
                        without.resolve("adapter_model.safetensors")));
        Path half = train(file, "half", "resume=" + whole.resolve("checkpoint-2"));
        List<String> all = found(whole);
        assertEquals(5, all.size());
        assertEquals(all, found(half));
        JsonNode summary = Json.MAPPER.readTree(whole.resolve("summary.json").toFile());
        assertEquals("eval_preference_accuracy", summary.at("/heldout/metric").asText());
    }

    @Test
    void whatCannotBeAskedIsRefused() throws IOException {
        Path file = file("output_dir: " + folder.resolve("out") + "\n");
        assertEquals(2, command("reward", file.toString()));
        assertTrue(err.toString().contains("eval_tasks"), err::toString);
        assertTrue(err.toString().contains("writes no answers"), err::toString);
        assertEquals(
                2, command("dpo", file.toString(), "eval_tasks=[{data: run.yaml}]"), err::toString);
        assertTrue(err.toString().contains("eval_tasks[0].verifier: unset"), err::toString);
        assertEquals(
                2,
                command(
                        "dpo",
                        file.toString(),
                        "eval_tasks=[reversal, {name: reversal, task: weekday}]"));
        assertTrue(err.toString().contains("two are called reversal"), err::toString);
        assertEquals(2, command("dpo", file.toString(), "eval_tasks=[reversl]"));
        assertTrue(err.toString().contains("eval_tasks: there is no task"), err::toString);
        assertEquals(2, command("eval", "--model=m", "--tasks=" + file, "--task=reversal"));
        assertTrue(err.toString().contains("--tasks says what is asked"), err::toString);
    }
}
