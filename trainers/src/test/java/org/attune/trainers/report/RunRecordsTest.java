package org.attune.trainers.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.MeasuredRow;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.ProcessMemory;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.WrittenAnswer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a run records for its report: held-out rows, memory by phase, warnings.
class RunRecordsTest {
    @TempDir Path folder;

    private static CompletionTable table(double... rewards) {
        List<Prompt> prompts = List.of(new Prompt("p", List.of()), new Prompt("p", List.of()));
        List<Completion> completions =
                List.of(
                        new Completion("first", new int[] {1}, List.of()),
                        new Completion("second", new int[] {1}, List.of()));
        return new CompletionTable(
                new RewardBatch(prompts, completions, Map.of()),
                RewardTable.of(
                        List.of("exact"),
                        new double[] {1},
                        new double[][] {{rewards[0]}, {rewards[1]}}),
                2);
    }

    @Test
    void heldOutRowsStandBeforeAndAfter() throws IOException {
        var file = new HeldOutFile(folder);
        file.onHeldOutCompletions("", table(0, 1));
        file.onHeldOutCompletions("second set", table(7, 7));
        file.onEvaluate(0, Map.of());
        file.onHeldOutCompletions("", table(1, Double.NaN));
        file.onEvaluate(4, Map.of());
        HeldOutRow row = HeldOutRow.read(folder.resolve("heldout.jsonl")).getFirst();
        assertEquals("p", row.prompt());
        assertEquals(Map.of("reward", 0.5), row.before().orElseThrow().values());
        assertEquals(Map.of("reward", 1.0), row.after().orElseThrow().values());
        assertEquals(4, row.after().orElseThrow().step());
        assertEquals("first", row.after().orElseThrow().completion());
    }

    /// The file may be gone or older: what counts is in the checkpoint.
    @Test
    void aResumedRunKnowsWhatWasBefore() throws IOException {
        Path checkpoint = Files.createDirectory(folder.resolve("checkpoint-2"));
        var first = new HeldOutFile(folder);
        first.onHeldOutRows("", List.of(new MeasuredRow("a.jsonl:1", Map.of("loss", 2.0))));
        first.onEvaluate(0, Map.of());
        first.onSave(2, checkpoint);
        Files.delete(folder.resolve("heldout.jsonl"));
        var second = new HeldOutFile(folder);
        second.onResume(checkpoint);
        second.onHeldOutRows("", List.of(new MeasuredRow("a.jsonl:1", Map.of("loss", 1.0))));
        second.onEvaluate(4, Map.of());
        HeldOutRow row = HeldOutRow.read(folder.resolve("heldout.jsonl")).getFirst();
        assertEquals(2.0, row.before().orElseThrow().values().get("loss"));
        assertEquals(1.0, row.after().orElseThrow().values().get("loss"));
        assertEquals("a.jsonl:1", row.where());
    }

    @Test
    void whatThePolicyWritesStandsBesideTheRowsAnswers() throws IOException {
        var file = new HeldOutFile(folder);
        for (int step : new int[] {0, 4}) {
            var rows = List.of(row(1), row(2));
            file.onHeldOutRows("", rows);
            file.onHeldOutAnswers("", List.of(written(1, "at " + step)));
            file.onHeldOutRows("second set", rows);
            file.onHeldOutAnswers("second set", List.of(written(0, "of another set")));
            file.onEvaluate(step, Map.of());
        }
        List<HeldOutRow> rows = HeldOutRow.read(folder.resolve("heldout.jsonl"));
        assertEquals(Map.of(), rows.getFirst().given());
        assertEquals("", rows.getFirst().after().orElseThrow().completion());
        assertEquals("q1", rows.getLast().prompt());
        assertEquals(Map.of("chosen", "yes", "rejected", "no"), rows.getLast().given());
        assertEquals("at 0", rows.getLast().before().orElseThrow().completion());
        assertEquals("at 4", rows.getLast().after().orElseThrow().completion());
        assertEquals(Map.of("loss", 2.0), rows.getLast().after().orElseThrow().values());
    }

    private static MeasuredRow row(int line) {
        return new MeasuredRow("a.jsonl:" + line, Map.of("loss", (double) line));
    }

    private static WrittenAnswer written(int row, String text) {
        return new WrittenAnswer(row, "q" + row, Map.of("chosen", "yes", "rejected", "no"), text);
    }

    @Test
    void rowsAreThoseOfTheBestCheckpointWhereItIsTheResult() throws IOException {
        Path checkpoint = Files.createDirectory(folder.resolve("checkpoint-2"));
        var file = new HeldOutFile(folder);
        for (int step : new int[] {0, 2, 4}) {
            double loss = step == 2 ? 1 : 3;
            file.onHeldOutRows("", List.of(new MeasuredRow("a.jsonl:1", Map.of("loss", loss))));
            file.onEvaluate(step, Map.of());
            if (step == 2) {
                file.onSave(2, checkpoint);
            }
        }
        file.onBest(checkpoint);
        HeldOutRow row = HeldOutRow.read(folder.resolve("heldout.jsonl")).getFirst();
        assertEquals(2, row.after().orElseThrow().step());
        assertEquals(1.0, row.after().orElseThrow().values().get("loss"));
    }

    /// Memory is seen at the borders of phases; a peak belongs to the phase in which it rose.
    @Test
    void aPeakBelongsToItsPhase() throws IOException {
        Deque<ProcessMemory.Resident> seen = new ArrayDeque<>();
        seen.add(new ProcessMemory.Resident(10, 10)); // load begins
        seen.add(new ProcessMemory.Resident(20, 50)); // forward begins
        seen.add(new ProcessMemory.Resident(30, 50)); // it ends
        seen.add(new ProcessMemory.Resident(25, 50)); // save begins
        seen.add(new ProcessMemory.Resident(25, 50)); // it ends
        var file = new PhasesFile(folder, seen::remove);
        file.onPhase("load", false);
        file.onPhase("forward", false);
        file.onPhase("", false);
        file.onPhase("save", false);
        file.onPhase("", false);
        file.onEnd(new RunSummary(1, false, Optional.empty(), Map.of("load", 1.5), 0, 0));
        assertEquals(Map.of("load", 1.5), PhasesFile.read(folder.resolve("phases.json")).seconds());
        assertEquals(
                Map.of("load", 50.0, "forward", 30.0, "save", 25.0),
                PhasesFile.read(folder.resolve("phases.json")).bytes());
    }

    /// A run that fails has no summary.
    @Test
    void timesAreKnownAfterAFailure() throws IOException {
        var clock = new PhaseClock();
        clock.timed("forward", () -> 1);
        var file = new PhasesFile(folder);
        file.onStep(1, 10, clock);
        file.settle();
        assertTrue(PhasesFile.read(folder.resolve("phases.json")).seconds().containsKey("forward"));
    }

    @Test
    void warningsWaitForTheRunAndArePassedOnBelowTheEarlierOnes() throws IOException {
        Path path = folder.resolve("warnings.jsonl");
        var warning = new WarningsFile.Warning(Instant.EPOCH, "WARN", "mind\n\"this\"");
        var file = new WarningsFile(folder);
        file.add(warning);
        assertFalse(Files.exists(path), "the folder may be an earlier run's");
        file.onStart(new RunInfo("sft", folder, 0, 2, 2, 0, 1));
        file.add(warning);
        Files.writeString(path, Files.readString(path) + "{\"cut sh");
        assertEquals(List.of(warning, warning), WarningsFile.read(path));
    }

    @Test
    void oneMessageDoesNotFillTheDisk() throws IOException {
        var file = new WarningsFile(folder);
        file.onStart(new RunInfo("sft", folder, 0, 2, 2, 0, 1));
        for (int i = 0; i < 1500; i++) {
            file.add(new WarningsFile.Warning(Instant.EPOCH, "WARN", "again"));
        }
        int written = WarningsFile.read(folder.resolve("warnings.jsonl")).size();
        assertTrue(written == 1000, written + " lines");
    }
}
