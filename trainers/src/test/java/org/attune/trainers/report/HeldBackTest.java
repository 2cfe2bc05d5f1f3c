package org.attune.trainers.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.trainers.config.Resume;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.TrainingListener;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

class HeldBackTest {
    private static final String EARLIER = "{\"step\":5,\"loss\":1.0}\n";

    @TempDir Path folder;
    private Path metrics;
    private RunInfo info;

    @BeforeEach
    void start() {
        metrics = folder.resolve(MetricsFile.NAME);
        info = new RunInfo("sft", folder, 0, 3, 3, 0, 10);
    }

    @Test
    void earlierResultsStayUntilTheFirstStepIsDone() throws IOException {
        Files.writeString(metrics, EARLIER);
        try (var run = RunFolder.open(folder, new Resume.No(), List.of())) {
            var held = new HeldBack(run, List.of(new MetricsFile(folder)));
            held.onStart(info);
            held.onEvaluate(0, Map.of("eval_loss", 2.0));
            assertEquals(EARLIER, Files.readString(metrics));
            assertFalse(Files.exists(folder.resolve("earlier-1")));
            held.onStep(1, 10, new PhaseClock());
            held.onLog(1, Map.of("loss", 1.5));
            held.onTotals(1, Map.of("train_loss", 1.5));
        }
        assertEquals(EARLIER, Files.readString(folder.resolve("earlier-1/metrics.jsonl")));
        List<Map<String, Object>> log = MetricsFile.read(metrics);
        assertEquals(List.of(0, 1, 1), log.stream().map(entry -> entry.get("step")).toList());
        assertEquals(2.0, log.getFirst().get("eval_loss"));
        assertEquals(1.5, log.getLast().get("train_loss"), "the totals are written too");
    }

    @Test
    void inAnEmptyFolderNothingWaits() throws IOException {
        try (var run = RunFolder.open(folder, new Resume.No(), List.of())) {
            var held = new HeldBack(run, List.of(new MetricsFile(folder)));
            held.onStart(info);
            held.onEvaluate(0, Map.of("eval_loss", 2.0));
            assertTrue(Files.readString(metrics).contains("eval_loss"));
        }
    }

    /// A call that is not passed on never reaches the run's files. What only shows that a run is
    /// alive is for screens.
    @Test
    void everyCallThatIsWrittenIsPassedOn() {
        var live = Set.of("onPass", "onCompleted");
        for (Method call : TrainingListener.class.getDeclaredMethods()) {
            boolean passedOn =
                    Arrays.stream(HeldBack.class.getDeclaredMethods())
                            .anyMatch(
                                    own ->
                                            own.getName().equals(call.getName())
                                                    && Arrays.equals(
                                                            own.getParameterTypes(),
                                                            call.getParameterTypes()));
            assertEquals(!live.contains(call.getName()), passedOn, call::toString);
        }
    }
}
