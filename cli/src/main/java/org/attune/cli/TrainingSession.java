package org.attune.cli;

import org.attune.cli.config.LoadedRun;
import org.attune.error.ConfigException;
import org.attune.trainers.config.ReportTarget;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.config.SaveConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.ResumePoint;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.onpolicy.CompletionLogConfig;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.report.CompletionsFile;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.SummaryFile;
import org.attune.trainers.report.TensorBoardFile;
import org.attune.trainers.run.Runs;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import picocli.CommandLine.Model.CommandSpec;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// A run from the command line: its outputs, and what Ctrl-C does.
final class TrainingSession {
    private static final Logger LOG = LoggerFactory.getLogger(TrainingSession.class);

    private final CommandSpec command;
    private final LoadedRun<?> loaded;
    private final TrainingConfig training;
    private final Optional<CompletionLogConfig> completions;
    private final List<Optional<String>> inputs;

    /// @param command that is being executed
    /// @param config of the run
    TrainingSession(CommandSpec command, LoadedRun<?> loaded, RunConfig config) {
        this.command = command;
        this.loaded = loaded;
        training = config.training();
        completions =
                config instanceof GeneratingRun generating
                        ? Optional.of(generating.completionLog())
                        : Optional.empty();
        inputs = config.inputs();
    }

    /// @return the exit code
    int run(Function<Runs, RunSummary> start) {
        loaded.notes().forEach(LOG::info);
        var stop = new StopSignal();
        SaveConfig save = training.save();
        var hint = new ResumeHint(command.root().commandLine().getParseResult().originalArgs());
        try (var screen = RunScreen.open(command.commandLine().getOut());
                var _ = new InterruptGuard(stop);
                var folder = RunFolder.open(save.outputDir(), save.resume(), inputs)) {
            List<TrainingListener> listeners = listeners(folder, screen, hint);
            RunSummary summary =
                    start.apply(new Runs(loaded.environment().hubCache(), listeners, stop));
            if (summary.interrupted()) {
                screen.line(hint.text(ResumePoint.glance(save).isPresent()));
            }
            return summary.interrupted() ? ExitCodes.INTERRUPTED : ExitCodes.DONE;
        } catch (ConfigException e) {
            throw loaded.placed(e);
        }
    }

    private List<TrainingListener> listeners(RunFolder folder, RunScreen screen, ResumeHint hint) {
        List<TrainingListener> listeners = new ArrayList<>();
        listeners.add(new HeldBack(folder, writers()));
        listeners.add(ProgressLine.of(screen));
        completions
                .filter(CompletionLogConfig::logCompletions)
                .ifPresent(c -> listeners.add(new CompletionsPrinter(screen, c)));
        listeners.add(new HeldOutReport(screen));
        listeners.add(hint);
        return listeners;
    }

    private List<TrainingListener> writers() {
        Path folder = training.save().outputDir();
        List<TrainingListener> writers = new ArrayList<>();
        writers.add(new ConfigFile(loaded.config()));
        writers.add(new MetricsFile(folder));
        if (training.log().reportTo().contains(ReportTarget.TENSORBOARD)) {
            Path runs = folder.resolve("runs");
            writers.add(
                    new TensorBoardFile(
                            training.log().runName().map(runs::resolve).orElse(runs),
                            InstantSource.system()));
        }
        if (completions.filter(CompletionLogConfig::logCompletions).isPresent()) {
            writers.add(new CompletionsFile(folder));
        }
        writers.add(MetricPlot.loss());
        writers.add(MetricPlot.reward());
        writers.add(new SummaryFile(folder));
        return writers;
    }
}
