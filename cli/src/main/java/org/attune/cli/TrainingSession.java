package org.attune.cli;

import org.attune.bench.Machine;
import org.attune.checkpoint.Checkpoint;
import org.attune.checkpoint.CheckpointStore;
import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.ResolvedConfig;
import org.attune.cli.report.ReportPage;
import org.attune.error.ConfigException;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
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
import org.attune.trainers.report.HeldOutFile;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.PhasesFile;
import org.attune.trainers.report.RunCard;
import org.attune.trainers.report.RunFile;
import org.attune.trainers.report.RunProcess;
import org.attune.trainers.report.SummaryFile;
import org.attune.trainers.report.TensorBoardFile;
import org.attune.trainers.run.Runs;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import picocli.CommandLine.Model.CommandSpec;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/// A run from the command line: its outputs, and what Ctrl-C does.
final class TrainingSession {
    private static final Logger LOG = LoggerFactory.getLogger(TrainingSession.class);

    private final CommandSpec command;
    private final String method;
    private final LoadedRun<?> loaded;
    private final RunConfig config;
    private final TrainingConfig training;
    private final Optional<CompletionLogConfig> completions;
    private final List<Optional<String>> inputs;
    private final PhasesFile phases;
    private RankSession ranks = RankSession.alone();

    /// @param command that is being executed
    /// @param method its name
    /// @param config of the run
    TrainingSession(CommandSpec command, String method, LoadedRun<?> loaded, RunConfig config) {
        this.command = command;
        this.method = method;
        this.loaded = loaded;
        this.config = config;
        training = config.training();
        completions =
                config instanceof GeneratingRun generating
                        ? Optional.of(generating.completionLog())
                        : Optional.empty();
        inputs = config.inputs();
        phases = new PhasesFile(training.save().outputDir());
    }

    /// Alone, or as one of several ranks.
    ///
    /// @return the exit code
    int run(Function<Runs, RunSummary> start) {
        return run(start, new StopSignal(), List.of());
    }

    /// @param stop by which the run can be ended early
    /// @param more listeners that are told last
    /// @return the exit code
    int run(Function<Runs, RunSummary> start, StopSignal stop, List<TrainingListener> more) {
        loaded.notes().forEach(LOG::info);
        ranks = RankSession.open(training.ranks().ranksSum());
        try {
            ranks.agree(() -> RankFacts.of(loaded.config()));
            Duration limit = Duration.ofSeconds(training.ranks().ddpTimeout());
            ranks.watch(training.save().outputDir(), limit);
            ranks.carry(() -> Device.parse(config.model().device()), training.ranks());
            int code;
            try (var _ = new InterruptGuard(stop, this::told);
                    var _ = ranks.heed(stop)) {
                code = ranks.ranks().writes() ? lead(start, stop, more) : follow(start, stop);
                ranks.leave();
            }
            return ranks.exitCode(code);
        } catch (ConfigException e) {
            ranks.failed();
            throw loaded.placed(e);
        } catch (RuntimeException | Error e) {
            ranks.failed();
            throw e;
        }
    }

    /// Says at a signal what becomes of the run; what started the ranks says the rest.
    private String told() {
        if (ranks.place().isEmpty()) {
            return InterruptGuard.NO_CHECKPOINT;
        }
        return "asked to end, in %s: another rank has ended, or the job was cancelled. %s"
                .formatted(ranks.place(), ranks.options().isEmpty() ? advice() : "");
    }

    /// What can be done when a run has ended before its time: where it would go on, and how.
    String advice() {
        SaveConfig save = training.save();
        Optional<Path> newest =
                new CheckpointStore(save.outputDir(), save.saveTotalLimit())
                        .glance()
                        .map(Checkpoint::folder);
        return new ResumeHint(arguments()).text(newest);
    }

    /// Ends the other ranks after a failure of this one.
    void endOthers(int code) {
        ranks.endOthers(code);
    }

    private List<String> arguments() {
        List<String> arguments =
                new ArrayList<>(command.root().commandLine().getParseResult().originalArgs());
        arguments.addAll(ranks.options());
        return arguments;
    }

    /// A rank that writes nothing.
    private int follow(Function<Runs, RunSummary> start, StopSignal stop) {
        RunSummary summary =
                start.apply(
                        new Runs(loaded.environment().hubCache(), List.of(), stop, ranks.ranks()));
        return summary.interrupted() ? ExitCodes.INTERRUPTED : ExitCodes.DONE;
    }

    private int lead(
            Function<Runs, RunSummary> start, StopSignal stop, List<TrainingListener> more) {
        SaveConfig save = training.save();
        List<String> arguments = arguments();
        var hint = new ResumeHint(arguments);
        var file =
                new RunFile(
                        save.outputDir(),
                        card(arguments),
                        InstantSource.system(),
                        () -> Engine.libtorch().toString());
        try (var screen = RunScreen.open(command.commandLine().getOut());
                var warnings = WarningTap.open(save.outputDir());
                var folder = RunFolder.open(save.outputDir(), save.resume(), inputs);
                var upload = ResultUpload.of(loaded, config, method);
                var trackers = RunTrackers.of(loaded, training)) {
            List<TrainingListener> listeners =
                    listeners(folder, writers(file, warnings, trackers), screen, hint);
            upload.listener().ifPresent(listeners::add);
            listeners.addAll(more);
            var runs = new Runs(loaded.environment().hubCache(), listeners, stop, ranks.ranks());
            RunSummary summary;
            try {
                summary = recorded(folder, file, () -> start.apply(runs));
            } finally {
                report(file);
            }
            if (summary.interrupted()) {
                screen.line(hint.text(ResumePoint.glance(save).isPresent()));
            }
            return upload.tell(summary, screen);
        }
    }

    /// Makes the run, whose file says how it ends.
    private static RunSummary recorded(
            RunFolder folder, RunFile file, Supplier<RunSummary> training) {
        if (!folder.holdsEarlierRun()) {
            file.begin();
        }
        try {
            RunSummary summary = training.get();
            file.settle(summary);
            return summary;
        } catch (RuntimeException | Error e) {
            file.fail(e);
            throw e;
        }
    }

    /// Writes the page about the run, however it ended. A page that can't be written is a warning:
    /// the result is there without it.
    private void report(RunFile file) {
        Path folder = training.save().outputDir();
        if (!file.isWritten()) {
            return; // what stands there is an earlier run's
        }
        phases.settle();
        String name = training.log().runName().orElse(folder.toString());
        try {
            ReportPage.write(List.of(folder), List.of(name), folder.resolve(ReportPage.NAME));
        } catch (IOException | RuntimeException | LinkageError e) {
            LOG.warn("{} was not written: {}", ReportPage.NAME, e.toString());
        }
    }

    private RunCard card(List<String> arguments) {
        List<String> words = new ArrayList<>();
        words.add(ResumeHint.program());
        words.addAll(SecretArguments.without(arguments));
        Instant now = Instant.now();
        return new RunCard(
                method,
                training.log().runName(),
                RunCard.State.STARTING,
                RunProcess.current(),
                words,
                Path.of("").toAbsolutePath().toString(),
                VersionCommand.versions().getProperty("attune"),
                Optional.empty(),
                now,
                now,
                0,
                0,
                Optional.empty(),
                facts());
    }

    /// What the run runs on.
    private static Map<String, String> facts() {
        Machine machine = Machine.current();
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("versions", VersionCommand.text());
        facts.put("machine", machine.text());
        return facts;
    }

    private List<TrainingListener> listeners(
            RunFolder folder, List<TrainingListener> writers, RunScreen screen, ResumeHint hint) {
        List<TrainingListener> listeners = new ArrayList<>();
        listeners.add(new HeldBack(folder, writers));
        listeners.add(ProgressLine.of(screen));
        completions
                .filter(CompletionLogConfig::logCompletions)
                .ifPresent(c -> listeners.add(new CompletionsPrinter(screen, c)));
        listeners.add(new HeldOutReport(screen));
        listeners.add(hint);
        return listeners;
    }

    private List<TrainingListener> writers(
            RunFile file, WarningTap warnings, RunTrackers trackers) {
        Path folder = training.save().outputDir();
        List<TrainingListener> writers = new ArrayList<>();
        writers.add(file);
        writers.add(warnings.file());
        writers.add(new ConfigFile(loaded.config()));
        writers.add(new MetricsFile(folder));
        if (training.log().reportTo().contains(ReportTarget.TENSORBOARD)) {
            Path runs = folder.resolve("runs");
            writers.add(
                    new TensorBoardFile(
                            training.log().runName().map(runs::resolve).orElse(runs),
                            Optional.of(ResolvedConfig.yaml(loaded.config())),
                            InstantSource.system()));
        }
        if (completions.filter(CompletionLogConfig::logCompletions).isPresent()) {
            writers.add(new CompletionsFile(folder));
        }
        writers.addAll(trackers.feeds());
        writers.add(new HeldOutFile(folder));
        writers.add(phases);
        writers.add(MetricPlot.loss());
        writers.add(MetricPlot.reward());
        writers.add(new SummaryFile(folder));
        return writers;
    }
}
