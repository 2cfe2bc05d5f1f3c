package org.attune.trainers.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.checkpoint.CheckpointStore;
import org.attune.checkpoint.RunState;
import org.attune.trainers.loop.RunInfo;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;

class MetricsFileTest {
    @TempDir Path folder;

    private RunInfo info(int firstStep) {
        return new RunInfo("sft", folder, firstStep, 10, 4, firstStep, 100);
    }

    private Path threeSteps() {
        var metrics = new MetricsFile(folder);
        metrics.onStart(info(0));
        for (int step = 1; step <= 3; step++) {
            metrics.onLog(step, Map.of("loss", 1.0 / step));
        }
        return folder.resolve(MetricsFile.NAME);
    }

    private static List<Object> steps(Path file) throws IOException {
        return MetricsFile.read(file).stream().map(entry -> entry.get("step")).toList();
    }

    @Test
    void everyLogIsOneLineWithStepAndEpochFirst() throws IOException {
        assertEquals(
                """
                {"step":1,"epoch":0.25,"loss":1.0}
                {"step":2,"epoch":0.5,"loss":0.5}
                {"step":3,"epoch":0.75,"loss":0.3333333333333333}
                """,
                Files.readString(threeSteps()));
    }

    /// A checkpoint of a run that logged the steps up to `step`.
    private Path checkpoint(int step) {
        List<Map<String, Object>> history = new ArrayList<>();
        for (int s = 1; s <= step; s++) {
            history.add(Map.of("loss", 1.0 / s, "step", s));
        }
        var state = new RunState(step, 0, 0, Map.of(), Map.of(), Map.of(), history);
        return new CheckpointStore(folder, OptionalInt.empty())
                .save(state, 10, 0, _ -> {})
                .folder();
    }

    private MetricsFile resumed(int step) {
        Path saved = folder.resolve("checkpoint-" + step);
        var metrics = new MetricsFile(folder);
        metrics.onResume(Files.exists(saved) ? saved : checkpoint(step));
        metrics.onStart(info(step));
        return metrics;
    }

    /// What a power cut may leave: any beginning of the file.
    @Tag("thorough")
    @Test
    void resumedRunHasEachStepOnceWhateverIsLeftOfTheFile() throws IOException {
        Path file = threeSteps();
        byte[] whole = Files.readAllBytes(file);
        for (int length = 0; length <= whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            Files.write(file, cut);
            int wholeLines = 0;
            for (byte b : cut) {
                wholeLines += b == '\n' ? 1 : 0;
            }
            assertEquals(wholeLines, MetricsFile.read(file).size(), "cut at " + length);
            for (int step = 1; step <= 3; step++) {
                Files.write(file, cut);
                resumed(step).onLog(step + 1, Map.of("loss", 0.25));
                assertEquals(
                        IntStream.rangeClosed(1, step + 1).boxed().toList(),
                        steps(file),
                        "cut at " + length + ", resumed at " + step);
            }
        }
        Files.delete(file);
        resumed(3);
        assertEquals(new String(whole, StandardCharsets.UTF_8), Files.readString(file));
    }

    @Test
    void resumedRunForgetsWhatCameAfterItsCheckpoint() throws IOException {
        Path file = threeSteps();
        resumed(2).onLog(3, Map.of("loss", 7.0));
        assertEquals(List.of(1, 2, 3), steps(file));
        assertEquals(7.0, MetricsFile.read(file).getLast().get("loss"));
    }

    /// The evaluation at the end comes after the last checkpoint, at the same step.
    @Test
    void whatWasLoggedAtTheCheckpointsStepButAfterItIsForgottenToo() throws IOException {
        Path file = threeSteps();
        for (int again = 0; again < 2; again++) {
            resumed(3).onEvaluate(3, Map.of("eval_loss", 1.0));
        }
        assertEquals(List.of(1, 2, 3, 3), steps(file));
    }

    @Test
    void whatACheckpointSpellsAsTextIsNullAgain() throws IOException {
        var state =
                new RunState(
                        1,
                        0,
                        0,
                        Map.of(),
                        Map.of(),
                        Map.of(),
                        List.of(Map.of("step", 1, "loss", Double.NaN)));
        var metrics = new MetricsFile(folder);
        metrics.onResume(
                new CheckpointStore(folder, OptionalInt.empty())
                        .save(state, 10, 0, _ -> {})
                        .folder());
        metrics.onStart(info(1));
        assertEquals(
                "{\"step\":1,\"epoch\":0.25,\"loss\":null}\n",
                Files.readString(folder.resolve(MetricsFile.NAME)));
    }

    @Test
    void newRunStartsANewFile() throws IOException {
        Path file = threeSteps();
        new MetricsFile(folder).onStart(info(0));
        assertEquals(List.of(), steps(file));
    }

    @Test
    void whatIsNotFiniteIsNull() throws IOException {
        var metrics = new MetricsFile(folder);
        metrics.onStart(info(0));
        metrics.onEvaluate(1, Map.of("eval_loss", Double.NaN));
        assertTrue(
                Files.readString(folder.resolve(MetricsFile.NAME)).contains("\"eval_loss\":null"));
    }
}
