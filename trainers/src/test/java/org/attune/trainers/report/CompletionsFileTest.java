package org.attune.trainers.report;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowFiles;
import org.attune.error.CheckpointException;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.text.Message;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.RunInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class CompletionsFileTest {
    @TempDir Path folder;

    private static final Map<String, Object> LOGGED = Map.of("loss", 1.0);

    private static RunInfo info(int firstStep) {
        return new RunInfo("grpo", Path.of("out"), firstStep, 10, 5, 0, 1);
    }

    /// Two completions of one prompt, with a reward that the second doesn't get.
    private static CompletionTable table(boolean chat, String completion) {
        List<Message> asked = chat ? List.of(Message.of("user", "2 1")) : List.of();
        List<Prompt> prompts = new ArrayList<>();
        List<Completion> completions = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            String text = completion + i;
            prompts.add(new Prompt("<user>2 1", asked));
            completions.add(
                    new Completion(
                            text,
                            new int[] {1},
                            chat ? List.of(Message.of("assistant", text)) : List.of()));
        }
        Map<String, List<Object>> extras = new LinkedHashMap<>();
        extras.put("parsed", Arrays.asList(7, null));
        extras.put("share", List.of(0.5f, 2));
        extras.put("right", Arrays.asList(null, true));
        extras.put("mixed", List.of("text", List.of(1)));
        var rewards =
                new RewardTable(
                        List.of("exact", "never"),
                        new double[] {1, 1},
                        new double[][] {{1, Double.NaN}, {Double.NaN, Double.NaN}},
                        List.of(),
                        Map.of(),
                        extras);
        return new CompletionTable(
                new RewardBatch(prompts, completions, Map.of()),
                rewards,
                Optional.of(new double[] {0.25, -0.25}),
                2);
    }

    private static List<Row> read(Path file) {
        return RowFiles.readAll(file);
    }

    private Path file(int step) {
        return folder.resolve("completions/completions_0000" + step + ".parquet");
    }

    @Test
    void columnsAreTrlsInTrlsOrder() {
        var listener = new CompletionsFile(folder);
        listener.onStart(info(0));
        listener.onCompletions(0, table(false, "first "));
        listener.onCompletions(1, table(false, "second "));
        listener.onLog(3, LOGGED);
        List<Row> rows = read(file(3));
        assertEquals(
                List.of(
                        "step",
                        "prompt",
                        "completion",
                        "exact",
                        "never",
                        "parsed",
                        "share",
                        "right",
                        "mixed",
                        "advantage"),
                List.copyOf(rows.get(0).columns().keySet()));
        assertEquals(
                Arrays.asList(3L, "<user>2 1", "second 0", 1.0, null, 7L, 0.5, null, "text", 0.25),
                new ArrayList<>(rows.get(0).columns().values()));
        assertEquals(
                Arrays.asList(
                        3L, "<user>2 1", "second 1", null, null, null, 2.0, true, "[1]", -0.25),
                new ArrayList<>(rows.get(1).columns().values()));
    }

    @Test
    void conversationsStayConversations() {
        var listener = new CompletionsFile(folder);
        listener.onCompletions(0, table(true, "1 2 "));
        listener.onLog(1, LOGGED);
        Row row = read(file(1)).get(1);
        assertEquals(List.of(Map.of("role", "user", "content", "2 1")), row.get("prompt"));
        assertEquals(
                List.of(Map.of("role", "assistant", "content", "1 2 1")), row.get("completion"));
    }

    @Test
    void onlyLoggedStepsWithCompletionsLeaveFiles() {
        var listener = new CompletionsFile(folder);
        listener.onStart(info(0));
        listener.onLog(1, LOGGED);
        listener.onCompletions(0, table(false, ""));
        listener.onTotals(2, Map.of("train_loss", 1.0));
        assertFalse(Files.exists(folder.resolve("completions")));
    }

    /// Stopped after step 2 in the middle of a round that serves steps 2 and 3.
    @Test
    void resumedRunWritesTheSameFilesAgain() throws IOException {
        for (boolean chat : new boolean[] {false, true}) {
            Path checkpoint = Files.createDirectories(folder.resolve("checkpoint-" + chat));
            var whole = new CompletionsFile(folder);
            whole.onStart(info(0));
            whole.onCompletions(0, table(chat, "a "));
            whole.onLog(2, LOGGED);
            whole.onSave(2, checkpoint);
            whole.onLog(3, LOGGED);
            byte[] before = Files.readAllBytes(file(2));
            byte[] after = Files.readAllBytes(file(3));
            whole.onCompletions(1, table(chat, "b "));
            whole.onLog(4, LOGGED);
            Path own = Files.writeString(folder.resolve("completions/notes.txt"), "mine");

            var resumed = new CompletionsFile(folder);
            resumed.onResume(checkpoint);
            resumed.onStart(info(2));
            assertArrayEquals(before, Files.readAllBytes(file(2)));
            assertFalse(Files.exists(file(3)), "written after the checkpoint");
            assertFalse(Files.exists(file(4)), "written after the checkpoint");
            assertTrue(Files.exists(own));
            resumed.onLog(3, LOGGED);
            assertArrayEquals(after, Files.readAllBytes(file(3)));
        }
    }

    @Test
    void fileInACheckpointThatHoldsSomethingElseIsTheUsualError() throws IOException {
        var whole = new CompletionsFile(folder);
        whole.onCompletions(0, table(true, "a "));
        whole.onSave(2, folder);
        Path file = folder.resolve("completions.json");
        String good = Files.readString(file);
        for (String bad :
                List.of(
                        "",
                        "null",
                        "[]",
                        "{}",
                        good.substring(0, good.length() / 2),
                        good.replace("\"completion\"", "\"completiom\""),
                        good.replace("[0.25,-0.25]", "null"),
                        good.replace("[0.25,-0.25]", "[0.25]"),
                        good.replace("[0.25,-0.25]", "{\"a\":1}"),
                        good.replace("{\"role\":\"user\"", "7,{\"role\":\"user\""))) {
            assertNotEquals(good, bad);
            Files.writeString(file, bad);
            String message =
                    assertThrows(
                                    CheckpointException.class,
                                    () -> new CompletionsFile(folder).onResume(folder),
                                    bad)
                            .getMessage();
            assertTrue(message.contains(file.toString()), message);
        }
    }
}
