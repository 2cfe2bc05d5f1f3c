package org.attune.trainers.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class RunFileTest {
    private static final Instant START = Instant.parse("2026-11-27T12:00:00Z");

    @TempDir Path folder;
    private Instant now = START;

    private RunFile file(RunProcess worker) {
        var card =
                new RunCard(
                        "dpo",
                        Optional.of("blue"),
                        RunCard.State.STARTING,
                        worker,
                        List.of("attune", "dpo", "run.yaml"),
                        "/home",
                        "1.0",
                        Optional.empty(),
                        START,
                        START,
                        0,
                        0,
                        Optional.empty(),
                        Map.of());
        return new RunFile(folder, card, () -> now, () -> "2.7.1 in /lib");
    }

    private RunCard read() throws IOException {
        return RunCard.read(folder.resolve(RunCard.NAME)).orElseThrow();
    }

    private static RunSummary summary(int steps, boolean interrupted) {
        return new RunSummary(steps, interrupted, Optional.empty(), Map.of(), 0, 0);
    }

    @Test
    void tellsARunFromItsStartToItsEnd() throws IOException {
        RunFile file = file(RunProcess.current());
        file.begin();
        assertEquals(RunCard.State.STARTING, read().state());
        assertEquals(Optional.empty(), read().libtorch());
        assertFalse(read().isDead());
        file.onStart(new RunInfo("dpo", folder, 3, 10, 5, 0, 1));
        assertEquals(Optional.of("2.7.1 in /lib"), read().libtorch());
        assertEquals(List.of(3, 10), List.of(read().step(), read().plannedSteps()));
        now = now.plusSeconds(9);
        file.onStep(4, 0, new PhaseClock());
        assertEquals(3, read().step(), "no beat is due");
        now = now.plusSeconds(1);
        file.onStep(5, 0, new PhaseClock());
        assertEquals(5, read().step());
        assertEquals(now, read().beat());
        file.onStep(6, 0, new PhaseClock());
        file.onEnd(summary(6, true));
        RunCard end = read();
        assertEquals(RunCard.State.STOPPED, end.state());
        assertEquals(6, end.step());
        assertEquals(START, end.started());
        assertEquals(List.of("attune", "dpo", "run.yaml"), end.command());
        assertEquals(Optional.of("blue"), end.name());
        file.settle(summary(6, true));
        assertEquals(end, read());
    }

    @Test
    void failureIsKept() throws IOException {
        RunFile file = file(RunProcess.current());
        file.fail(new IllegalStateException("too early"));
        assertFalse(Files.exists(folder.resolve(RunCard.NAME)), "nothing had begun");
        file.begin();
        file.fail(new IllegalStateException("no memory"));
        assertEquals(RunCard.State.FAILED, read().state());
        assertEquals(Optional.of("no memory"), read().failure());
    }

    @Test
    void whatStoppedWhileItLoadedIsStopped() throws IOException {
        RunFile file = file(RunProcess.current());
        file.begin();
        file.settle(summary(0, true));
        assertEquals(RunCard.State.STOPPED, read().state());
    }

    @Test
    void earlierRunStaysUntilTheNextBegins() throws IOException {
        RunFile first = file(RunProcess.current());
        first.begin();
        first.onEnd(summary(7, false));
        RunFile next = file(RunProcess.current());
        next.begin();
        assertEquals(RunCard.State.FINISHED, read().state());
        next.onStart(new RunInfo("dpo", folder, 0, 10, 5, 0, 1));
        assertEquals(RunCard.State.RUNNING, read().state());
    }

    @Test
    void killedProcessLeavesADeadRun() throws Exception {
        Process process = new ProcessBuilder("sleep", "60").start();
        RunProcess worker = RunProcess.of(process.toHandle());
        file(worker).begin();
        assertFalse(read().isDead());
        process.destroyForcibly().waitFor();
        assertTrue(read().isDead());
        var later = new RunProcess(worker.pid(), worker.host(), Optional.of(Instant.EPOCH));
        assertTrue(later.isGone());
        var elsewhere = new RunProcess(worker.pid(), "another.host", worker.started());
        assertFalse(elsewhere.isGone(), "nothing is known of other machines");
    }

    @Test
    void numberThatIsUsedAgainIsAnotherProcess() {
        RunProcess own = RunProcess.current();
        assertFalse(own.isGone());
        assertTrue(new RunProcess(own.pid(), own.host(), Optional.of(Instant.EPOCH)).isGone());
    }

    @Test
    void whatIsNoRunsFileIsTold() throws IOException {
        Path file = folder.resolve(RunCard.NAME);
        Files.writeString(file, "{\"state\": \"asleep\"}");
        assertThrows(IOException.class, () -> RunCard.read(file));
    }
}
