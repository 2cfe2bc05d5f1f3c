package org.attune.cli;

import org.attune.cli.config.LoadedRun;
import org.attune.error.ConfigException;
import org.attune.trainers.RunSummary;
import org.attune.trainers.StopSignal;
import org.attune.trainers.TrainingListener;
import org.attune.trainers.config.CompletionLogConfig;
import org.attune.trainers.config.ReportTarget;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.report.CompletionsFile;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.SummaryFile;
import org.attune.trainers.report.TensorBoardFile;
import org.attune.trainers.setup.Runs;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// A run from the command line: its outputs, and what Ctrl-C does.
final class TrainingSession {
    private static final Logger LOG = LoggerFactory.getLogger(TrainingSession.class);

    private final PrintWriter out;
    private final LoadedRun<?> loaded;
    private final TrainingConfig training;
    private final Optional<CompletionLogConfig> completions;

    /// Without completions.
    TrainingSession(PrintWriter out, LoadedRun<?> loaded, TrainingConfig training) {
        this(out, loaded, training, Optional.empty());
    }

    /// @param completions of a method that generates
    TrainingSession(
            PrintWriter out,
            LoadedRun<?> loaded,
            TrainingConfig training,
            Optional<CompletionLogConfig> completions) {
        this.out = out;
        this.loaded = loaded;
        this.training = training;
        this.completions = completions;
    }

    /// @return the exit code
    int run(Function<Runs, RunSummary> start) {
        loaded.notes().forEach(LOG::info);
        var stop = new StopSignal();
        try (var _ = new InterruptGuard(stop)) {
            RunSummary summary =
                    start.apply(new Runs(loaded.environment().hubCache(), listeners(), stop));
            return summary.interrupted() ? ExitCodes.INTERRUPTED : ExitCodes.DONE;
        } catch (ConfigException e) {
            throw loaded.placed(e);
        }
    }

    private List<TrainingListener> listeners() {
        Path folder = training.save().outputDir();
        List<TrainingListener> listeners = new ArrayList<>();
        listeners.add(new ConfigFile(loaded.config()));
        listeners.add(new MetricsFile(folder));
        if (training.log().reportTo().contains(ReportTarget.TENSORBOARD)) {
            Path runs = folder.resolve("runs");
            listeners.add(
                    new TensorBoardFile(
                            training.log().runName().map(runs::resolve).orElse(runs),
                            InstantSource.system()));
        }
        listeners.add(MetricPlot.loss());
        listeners.add(MetricPlot.reward());
        listeners.add(new SummaryFile(folder));
        RunScreen screen = RunScreen.of(out);
        listeners.add(ProgressLine.of(screen));
        if (completions.isPresent() && completions.get().logCompletions()) {
            listeners.add(new CompletionsFile(folder));
            listeners.add(new CompletionsPrinter(screen, completions.get()));
        }
        listeners.add(new HeldOutReport(screen));
        return listeners;
    }
}
