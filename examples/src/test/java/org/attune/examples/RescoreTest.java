package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.Main;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.episode.Turn;
import org.attune.examples.quickstart.TinyModel;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.source.RecordedCompletion;
import org.attune.rollout.source.RecordedLines;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// Recorded completions and episodes, judged anew and shown.
final class RescoreTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir static Path folder;
    private static Path model;

    @BeforeAll
    static void writeModelAndData() throws IOException {
        model = Files.createDirectories(folder.resolve("model"));
        new TinyModel(32, 2, 2).write(model, RandomSource.XO_SHI_RO_256_PP.create(1L));
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            rows.add("{\"prompt\": \"Write %d.\", \"answer\": \"%d\"}".formatted(i, i));
        }
        Files.write(folder.resolve("rows.jsonl"), rows);
    }

    private static String run(int expected, String... arguments) {
        PrintStream before = System.out;
        var printed = new ByteArrayOutputStream();
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            assertEquals(expected, Main.run(arguments));
        } finally {
            System.setOut(before);
        }
        return printed.toString(StandardCharsets.UTF_8);
    }

    private static String[] words(String command, String... more) {
        List<String> words = new ArrayList<>(List.of(command.split(" ")));
        words.add(
                Path.of(System.getProperty("attune.root", ".."))
                        .resolve("examples/quickstart/grpo.yaml")
                        .toString());
        words.addAll(
                List.of(
                        "model_name_or_path=" + model,
                        "datasets=" + folder.resolve("rows.jsonl"),
                        "per_device_train_batch_size=8",
                        "num_generations=4",
                        "max_completion_length=8",
                        "eval_datasets=[]",
                        "max_steps=2"));
        words.addAll(List.of(more));
        return words.toArray(String[]::new);
    }

    private static List<JsonNode> lines(Path file) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            lines.add(JSON.readTree(line));
        }
        return lines;
    }

    @Tag("thorough")
    @Test
    void aRunsCompletionsAreJudgedAnewAndReplayed() throws IOException {
        Path recorded = folder.resolve("recorded.jsonl");
        run(
                0,
                words(
                        "grpo",
                        "output_dir=" + folder.resolve("run"),
                        "reward_funcs={name: regex, pattern: '[a-m]'}",
                        "record_rollouts=" + recorded));
        Path rescored = folder.resolve("rescored.jsonl");
        String judge = "reward_funcs={name: length, max: 5, unit: characters, weight: 2}";
        String printed = run(0, words("rescore " + recorded, judge, "--out", rescored.toString()));
        assertTrue(printed.contains("regex"), printed);
        assertTrue(printed.contains("length"), printed);
        assertTrue(printed.contains("16 completions are in"), printed);
        List<JsonNode> before = lines(recorded);
        List<JsonNode> after = lines(rescored);
        assertEquals(before.size(), after.size());
        for (int i = 0; i < before.size(); i++) {
            assertEquals(List.of("length"), names(after.get(i).get("rewards")));
            assertEquals(2, after.get(i).get("reward_weights").get("length").asDouble());
            assertEquals(bare(before.get(i)), bare(after.get(i)));
        }
        run(
                0,
                words(
                        "grpo",
                        "output_dir=" + folder.resolve("replay"),
                        "reward_funcs=[]",
                        "recorded_rollouts=" + rescored));
        Path again = folder.resolve("again.jsonl");
        run(0, words("rescore " + rescored, judge, "--out", again.toString()));
        assertEquals(Files.readString(rescored), Files.readString(again));
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private static JsonNode bare(JsonNode line) {
        ObjectNode copy = line.deepCopy();
        copy.remove(List.of("rewards", "reward_weights"));
        return copy;
    }

    private static RecordedCompletion episode(int place, String answer, EndReason end) {
        var call = new ToolCall(Optional.empty(), "calc", Map.of("expression", "1+1"), "calc 1+1");
        var first =
                new Turn(
                        new int[] {'c', 'a'},
                        new float[2],
                        true,
                        Optional.of(
                                new ParsedTurn(
                                        Message.of("assistant", "Let me see."),
                                        List.of(call),
                                        List.of(),
                                        false)),
                        List.of(new ToolOutcome(call, ToolOutcome.Kind.OK, "2", 5)),
                        List.of(Message.of("tool", "2")),
                        new int[] {'=', '2'},
                        0.25);
        var last =
                new Turn(
                        new int[] {'t', 'w', 'o'},
                        new float[3],
                        true,
                        Optional.of(
                                new ParsedTurn(
                                        Message.of("assistant", answer),
                                        List.of(),
                                        List.of(),
                                        false)),
                        List.of(),
                        List.of(),
                        new int[0],
                        0);
        var episode =
                new Episode(
                        new EpisodeStart(
                                new EpisodeId(0, place), Map.of("answer", "two"), 7, place, 0),
                        List.of(Message.of("user", "one and one")),
                        new int[] {'o', 'n', 'e'},
                        List.of(first, last),
                        end,
                        Map.of("Desk", OptionalDouble.of(0.5)),
                        Map.of());
        return new RecordedCompletion(
                0,
                episode.promptIds(),
                SampledCompletion.of(episode, StopReason.STOP_TOKEN),
                Map.of("old", 0.1 * place),
                Map.of("old", 1.0),
                OptionalInt.of(place),
                true);
    }

    @Test
    void episodesAreJudgedByTheirRowsAndShown() throws IOException {
        Path recorded = folder.resolve("episodes.jsonl");
        RecordedLines.write(
                recorded,
                List.of(
                        episode(0, "two", EndReason.ANSWERED),
                        episode(1, "three", EndReason.ANSWERED),
                        episode(2, "two", EndReason.FAILED)));
        Path rescored = folder.resolve("episodes-rescored.jsonl");
        run(
                0,
                words(
                        "rescore " + recorded,
                        "reward_funcs=exact_answer",
                        "--out",
                        rescored.toString()));
        List<JsonNode> after = lines(rescored);
        assertEquals(1, after.get(0).get("rewards").get("exact_answer").asDouble());
        assertEquals(0.75, after.get(0).get("rewards").get("Desk").asDouble());
        assertEquals(0, after.get(1).get("rewards").get("exact_answer").asDouble());
        assertTrue(after.get(2).get("rewards").get("exact_answer").isNull(), "it failed");
        assertEquals(lines(recorded).get(0).get("episode"), after.get(0).get("episode"));

        String all = run(0, "episodes", rescored.toString());
        for (String part :
                List.of(
                        "=== round 0, episode 0, seed 7, 5 own of 7 tokens",
                        "| user: one and one",
                        "--- turn 1, 2 tokens, reward 0.25",
                        "> Let me see.",
                        "> calls calc({\"expression\": \"1+1\"})",
                        "| calc ok: 2",
                        "> three",
                        "=== end: answered; rewards: exact_answer 1, Desk 0.75; sum 1.75",
                        "=== end: failed; rewards: exact_answer none, Desk none; sum none",
                        "3 of 3 episodes fit")) {
            assertTrue(all.contains(part), part + " in " + all);
        }
        assertTrue(
                run(0, "episodes", rescored.toString(), "--end", "failed")
                        .contains("1 of 3 episodes fit"));
        assertTrue(
                run(0, "episodes", rescored.toString(), "--max-reward", "1", "--row", "two")
                        .contains("1 of 3 episodes fit"));
        String tokens = run(0, "episodes", rescored.toString(), "--model", model.toString());
        assertTrue(tokens.contains("| one" + System.lineSeparator()), tokens);
        assertTrue(tokens.contains("> two" + System.lineSeparator()), tokens);
        assertNotEquals(0, Main.run("episodes", rescored.toString(), "--end", "won"));
    }
}
