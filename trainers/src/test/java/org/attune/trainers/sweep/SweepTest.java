package org.attune.trainers.sweep;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.AttuneException;
import org.attune.error.ServerException;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// Sweeps over runs that only write what a run leaves.
class SweepTest {
    private static final SweepPlan PLAN =
            SweepPlan.of(Map.of("keys", Map.of("seed", List.of("4", "2", "3"))));

    @TempDir Path folder;
    private final List<String> calls = new ArrayList<>();

    /// Ends with its value as loss.
    private final class Runs implements Sweep.Trials {
        private final int stopped;
        private final int failing;

        Runs(int stopped, int failing) {
            this.stopped = stopped;
            this.failing = failing;
        }

        @Override
        public void check(Sweep.Trial trial) {
            calls.add("check " + PLAN.words(trial.values()));
        }

        @Override
        public boolean train(Sweep.Trial trial, StopSignal stop, TrainingListener watch) {
            calls.add(
                    "%s %s%s"
                            .formatted(
                                    trial.folder().getFileName(),
                                    PLAN.words(trial.values()),
                                    trial.resume() ? " resumed" : ""));
            double loss = Double.parseDouble(PLAN.words(trial.values()).getFirst().substring(5));
            try {
                Files.createDirectories(trial.folder());
                Files.writeString(
                        trial.folder().resolve("metrics.jsonl"),
                        "{\"step\": 1, \"eval_loss\": %s}\n".formatted(loss));
                if (trial.number() >= failing) {
                    throw new ServerException("the loss is NaN");
                }
                if (trial.number() == stopped) {
                    return false;
                }
                watch.onEvaluate(1, Map.of("eval_loss", loss));
                Files.writeString(
                        trial.folder().resolve("summary.json"),
                        "{\"heldout\": {\"metric\": \"eval_loss\", \"after\": %s}}"
                                .formatted(loss));
                return true;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void failed(Sweep.Trial trial, AttuneException failure) {
            calls.add("failed " + failure.getMessage());
        }
    }

    private Optional<Sweep.Result> sweep(int stopped, int failing) {
        return new Sweep(PLAN, folder, "test", "eval_loss").run(new Runs(stopped, failing));
    }

    @Test
    void itGoesOnWhereItWasStopped() {
        assertTrue(sweep(1, 9).isEmpty());
        assertEquals(List.of("check [seed=4]", "trial-001 [seed=4]", "trial-002 [seed=2]"), calls);
        calls.clear();
        Sweep.Result result = sweep(9, 9).orElseThrow();
        assertEquals(
                List.of("check [seed=4]", "trial-002 [seed=2] resumed", "trial-003 [seed=3]"),
                calls);
        assertEquals("eval_loss", result.metric());
        assertEquals(
                List.of(2.0, 3.0, 4.0),
                result.ranked().stream().map(trial -> trial.result().orElseThrow()).toList());
        assertEquals(3, result.trials().size());
        calls.clear();
        assertEquals(result, sweep(9, 9).orElseThrow());
        assertEquals(List.of("check [seed=4]"), calls);
    }

    @Test
    @SuppressWarnings("unchecked")
    void aFolderTellsOfItsSweepWhileItGoesOn() throws IOException {
        assertTrue(Sweep.told(folder).isEmpty());
        assertTrue(sweep(1, 9).isEmpty());
        Path journal = folder.resolve(Sweep.JOURNAL);
        Files.writeString(journal, "{\"op_code\":6,", StandardOpenOption.APPEND); // half a line
        long size = Files.size(journal);
        Map<String, Object> told = Sweep.told(folder).orElseThrow();
        assertEquals(size, Files.size(journal), "who looks changes nothing");
        assertEquals("eval_loss", told.get("metric"));
        assertEquals(true, told.get("smaller_is_better"));
        assertEquals(List.of("seed"), told.get("keys"));
        assertEquals(1L, told.get("best"));
        var trials = (List<Map<String, Object>>) told.get("trials");
        assertEquals(
                Map.of(
                        "number",
                        1L,
                        "folder",
                        "trial-001",
                        "state",
                        "finished",
                        "values",
                        Map.of("seed", "4"),
                        "result",
                        4.0,
                        "line",
                        List.of(List.of(1L, 4.0))),
                trials.getFirst());
        assertEquals("running", trials.get(1).get("state"));
        assertEquals(List.of(List.of(1L, 2.0)), trials.get(1).get("line"), "as far as it is");
        assertTrue(sweep(9, 9).isPresent());
        assertEquals(2L, Sweep.told(folder).orElseThrow().get("best"));
        String old =
                Files.readAllLines(journal).stream()
                        .filter(line -> !line.contains("study:metric_names"))
                        .collect(Collectors.joining("\n", "", "\n"));
        Files.writeString(journal, old);
        assertEquals(told.get("metric"), Sweep.told(folder).orElseThrow().get("metric"));
    }

    @Test
    void oneMayFailButNotThreeInARow() {
        Sweep.Result result = sweep(9, 2).orElseThrow();
        assertEquals("failed the loss is NaN", calls.getLast());
        assertEquals(2, result.ranked().size());
        assertSame(SweepTrial.State.FAILED, result.trials().getLast().state());
        Path other = folder.resolve("other");
        var sweep = new Sweep(PLAN, other, "test", "eval_loss");
        assertThrows(ServerException.class, () -> sweep.run(new Runs(9, 0)));
        assertEquals(3, calls.stream().filter(call -> call.startsWith("failed")).count() - 1);
    }
}
