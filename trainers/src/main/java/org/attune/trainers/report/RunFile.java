package org.attune.trainers.report;

import org.attune.error.Secrets;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/// `run.json`: who makes the run and how far it is, so that a list of folders tells what runs, what
/// was stopped and what is dead ([RunCard]). It is replaced at the start, at most every ten seconds
/// while steps are made, and at the end. A file that can't be written is told once, and the run
/// goes on.
public final class RunFile implements TrainingListener {
    private static final Logger LOG = LoggerFactory.getLogger(RunFile.class);
    private static final Duration BEAT = Duration.ofSeconds(10);
    private static final Pattern FINGERPRINT = Pattern.compile(".*\\((hash|fingerprint)\\)");

    private final Path file;
    private final InstantSource clock;
    private final Supplier<String> libtorch;
    private RunCard card;
    private boolean written;
    private boolean told;

    /// @param outputDir the run's folder
    /// @param card what is known before the run begins
    /// @param libtorch tells the libtorch in use; asked when steps begin
    public RunFile(Path outputDir, RunCard card, InstantSource clock, Supplier<String> libtorch) {
        file = outputDir.resolve(RunCard.NAME);
        this.card = card;
        this.clock = clock;
        this.libtorch = libtorch;
    }

    /// Says that a run begins, before model and data are read. What an earlier run left stays until
    /// [#onStart].
    public void begin() {
        if (!Files.exists(file)) {
            write(card);
        }
    }

    /// What tells model and data from others becomes part of the file.
    @Override
    public void onIdentity(Map<String, String> identity) {
        Map<String, String> fingerprints = new LinkedHashMap<>(identity);
        fingerprints.keySet().removeIf(key -> !FINGERPRINT.matcher(key).matches());
        card = card.with(fingerprints);
    }

    @Override
    public void onFact(String name, String value) {
        card = card.with(Map.of(name, Secrets.masked(value)));
    }

    @Override
    public void onStart(RunInfo info) {
        RunCard known = card.withLibtorch(libtorch.get());
        write(
                known.at(
                        RunCard.State.RUNNING,
                        clock.instant(),
                        info.firstStep(),
                        info.totalSteps()));
    }

    @Override
    public void onStep(int step, long tokens, PhaseClock phases) {
        beat(step);
    }

    @Override
    public void onEvaluate(int step, Map<String, Object> metrics) {
        beat(step);
    }

    private void beat(int step) {
        boolean due = Duration.between(card.beat(), clock.instant()).compareTo(BEAT) >= 0;
        RunCard now = card.at(card.state(), due ? clock.instant() : card.beat(), step, steps());
        if (due) {
            write(now);
        } else {
            card = now;
        }
    }

    @Override
    public void onSave(int step, Path checkpoint) {
        write(card.at(card.state(), clock.instant(), step, steps()));
    }

    @Override
    public void onEnd(RunSummary summary) {
        RunCard.State state =
                summary.interrupted() ? RunCard.State.STOPPED : RunCard.State.FINISHED;
        write(card.at(state, clock.instant(), Math.max(summary.steps(), card.step()), steps()));
    }

    /// Says that the run is over, where it was stopped before it began to train.
    public void settle(RunSummary summary) {
        if (written && card.isUnderWay()) {
            onEnd(summary);
        }
    }

    /// Says why the run failed, if it had begun to write.
    public void fail(Throwable failure) {
        if (written) {
            String why = Optional.ofNullable(failure.getMessage()).orElse(failure.toString());
            write(card.failed(clock.instant(), Secrets.masked(why)));
        }
    }

    /// Whether the folder tells of this run.
    public boolean isWritten() {
        return written;
    }

    private int steps() {
        return card.plannedSteps();
    }

    private void write(RunCard next) {
        card = next;
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            card.write(file);
            written = true;
        } catch (IOException e) {
            if (!told) {
                LOG.warn("{} can't be written: {}; the run goes on", file, e.toString());
                told = true;
            }
        }
    }
}
