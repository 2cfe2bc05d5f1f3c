package org.attune.trainers.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.trainers.RunInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

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

    @Test
    void readableAfterTruncationAtAnyByte() throws IOException {
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
            // The resumed run goes on after whole lines only.
            var resumed = new MetricsFile(folder);
            resumed.onStart(info(3));
            resumed.onLog(4, Map.of("loss", 0.25));
            assertEquals(wholeLines + 1, MetricsFile.read(file).size(), "cut at " + length);
        }
    }

    @Test
    void resumedRunForgetsWhatCameAfterItsCheckpoint() throws IOException {
        Path file = threeSteps();
        var resumed = new MetricsFile(folder);
        resumed.onStart(info(2));
        resumed.onLog(3, Map.of("loss", 7.0));
        assertEquals(List.of(1, 2, 3), steps(file));
        assertEquals(7.0, MetricsFile.read(file).getLast().get("loss"));
    }

    /// The evaluation at the end comes after the last checkpoint, at the same step.
    @Test
    void whatWasLoggedAtTheCheckpointsStepButAfterItIsForgottenToo() throws IOException {
        Path file = threeSteps();
        new MetricsFile(folder).onStart(info(3));
        for (int again = 0; again < 2; again++) {
            var resumed = new MetricsFile(folder);
            resumed.onStart(info(3));
            resumed.onEvaluate(3, Map.of("eval_loss", 1.0));
        }
        assertEquals(List.of(1, 2, 3, 3), steps(file));
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
