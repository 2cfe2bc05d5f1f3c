package org.attune.cli.progress;

import org.attune.cli.terminal.FittedLine;
import org.attune.trainers.loop.RunInfo;

import java.time.InstantSource;
import java.util.function.LongSupplier;

/// What a run is doing at this moment: step, work in progress, tokens a second, time to go, memory.
/// Told by the training thread, asked by another.
final class LiveRun {
    private static final String TRAINING = "training";
    private static final String EVALUATING = "evaluating";
    private static final String SAVING = "saving";

    private final InstantSource clock;
    private final LongSupplier residentBytes;

    private String work = "starting";
    private long workSince;
    private long workTokens;
    private int ended;
    private int asked;
    private boolean idle = true;

    private int firstStep;
    private int step;
    private int steps;
    private long trainingSince = -1;
    private long stepSince;
    private long stepEnd;
    private long tokens;
    private double tokensPerSecond;

    /// @param residentBytes memory to show; 0 shows none
    LiveRun(InstantSource clock, LongSupplier residentBytes) {
        this.clock = clock;
        this.residentBytes = residentBytes;
        workSince = clock.millis();
    }

    synchronized void start(RunInfo run) {
        firstStep = run.firstStep();
        step = firstStep;
        steps = run.totalSteps();
        work = "starting";
        workSince = clock.millis();
    }

    /// @param phase as in [org.attune.trainers.loop.TrainingListener#onPhase]
    synchronized void phase(String phase, boolean evaluating) {
        String next = words(phase, evaluating);
        boolean stepBegins = idle && next.equals(TRAINING);
        long now = clock.millis();
        if (stepBegins) {
            stepSince = now;
            trainingSince = trainingSince < 0 ? now : trainingSince;
        }
        if (stepBegins || !next.equals(work)) {
            workSince = now;
            workTokens = 0;
            ended = 0;
            asked = 0;
        }
        work = next;
        idle = phase.isEmpty();
    }

    private String words(String phase, boolean evaluating) {
        return switch (phase) {
            case "" -> work; // goes on to the next in no time
            case "load" -> "loading model and data";
            case "rollout" -> evaluating ? EVALUATING : "generating";
            case "reward" -> evaluating ? EVALUATING : "waiting for rewards";
            case "old" -> "scoring completions";
            case "reference" -> evaluating ? EVALUATING : "asking the reference";
            case "save" -> SAVING;
            default -> evaluating ? EVALUATING : TRAINING;
        };
    }

    synchronized void pass(int passed) {
        workTokens += passed;
    }

    synchronized void completed(int done, int total) {
        ended = done;
        asked = total;
    }

    /// @param done steps
    /// @param all tokens of the steps of this process
    synchronized void step(int done, long all) {
        stepEnd = clock.millis();
        tokensPerSecond = 1000.0 * (all - tokens) / Math.max(1, stepEnd - stepSince);
        tokens = all;
        step = done;
    }

    /// The line for so many columns.
    synchronized String text(int columns) {
        var line = new FittedLine();
        if (steps > 0) {
            boolean between =
                    idle || work.equals(EVALUATING) || work.equals(SAVING) || step == steps;
            line.add("step %d/%d".formatted(between ? step : step + 1, steps), 0);
        }
        line.add(work, 1).add(count(), 3);
        line.add(ProgressLine.duration(clock.millis() - workSince), 2);
        if (tokensPerSecond > 0) {
            line.add(ProgressLine.grouped(Math.round(tokensPerSecond)) + " tokens/s", 3);
        }
        line.add(eta(), 2);
        long bytes = residentBytes.getAsLong();
        line.add(bytes > 0 ? ProgressLine.gibibytes(bytes) : "", 4);
        return line.within(columns);
    }

    private String count() {
        if (asked > 0) {
            return "%d of %d".formatted(ended, asked);
        }
        return workTokens > 0 ? ProgressLine.grouped(workTokens) + " tokens" : "";
    }

    /// Time to go from what the steps took so far, `ETA 1:23`; empty before the first is done.
    synchronized String eta() {
        int done = step - firstStep;
        if (done <= 0 || trainingSince < 0) {
            return "";
        }
        double each = (double) (stepEnd - trainingSince) / done;
        long spent = clock.millis() - stepEnd;
        long left = Math.max(0, Math.round(each * (steps - step)) - spent);
        return "ETA " + ProgressLine.duration(left);
    }
}
