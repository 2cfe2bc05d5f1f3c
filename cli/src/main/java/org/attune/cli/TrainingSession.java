package org.attune.cli;

import org.attune.checkpoint.Checkpoint;
import org.attune.checkpoint.CheckpointStore;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.InterruptGuard;
import org.attune.cli.command.RankOptions;
import org.attune.cli.command.SecretArguments;
import org.attune.cli.config.LoadedRun;
import org.attune.cli.progress.CompletionsPrinter;
import org.attune.cli.progress.HeldOutReport;
import org.attune.cli.progress.ProgressLine;
import org.attune.cli.progress.ResumeHint;
import org.attune.cli.progress.WarningTap;
import org.attune.cli.terminal.RunScreen;
import org.attune.error.ConfigException;
import org.attune.ranks.RankSession;
import org.attune.reports.plot.MetricPlot;
import org.attune.tensor.Device;
import org.attune.trainers.config.RanksConfig;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.config.SaveConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.ResumePoint;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.onpolicy.CompletionLogConfig;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.report.HubPush;
import org.attune.trainers.report.RankFacts;
import org.attune.trainers.run.RunFiles;
import org.attune.trainers.run.Runs;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import picocli.CommandLine.Model.CommandSpec;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/// A run from the command line: its outputs, and what Ctrl-C does.
final class TrainingSession {
    private static final Logger LOG = LoggerFactory.getLogger(TrainingSession.class);

    private final CommandSpec command;
    private final LoadedRun<?> loaded;
    private final RunConfig config;
    private final TrainingConfig training;
    private final Optional<CompletionLogConfig> completions;
    private RankSession ranks = RankSession.alone();

    /// @param command that is being executed
    /// @param config of the run
    TrainingSession(CommandSpec command, LoadedRun<?> loaded, RunConfig config) {
        this.command = command;
        this.loaded = loaded;
        this.config = config;
        training = config.training();
        completions =
                config instanceof GeneratingRun generating
                        ? Optional.of(generating.completionLog())
                        : Optional.empty();
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
        RanksConfig asked = training.ranks();
        ranks = RankSession.open(asked.ranksSum());
        var end = new RankEnd(ranks);
        try {
            ranks.agree(() -> RankFacts.of(loaded.config()));
            Duration limit = Duration.ofSeconds(asked.ddpTimeout());
            ranks.watch(training.save().outputDir(), limit, end::giveUp);
            Supplier<Device> device = () -> Device.parse(config.model().device());
            ranks.carry(device, asked.ddpBackend(), asked.partsWeights());
            int code;
            try (var _ = new InterruptGuard(stop, this::told);
                    var _ = end.heed(stop)) {
                code = ranks.ranks().writes() ? lead(start, stop, more) : follow(start, stop);
                ranks.leave();
            }
            return end.exitCode(code);
        } catch (ConfigException e) {
            end.failed();
            throw loaded.placed(e);
        } catch (RuntimeException | Error e) {
            end.failed();
            throw e;
        }
    }

    /// Says at a signal what becomes of the run; what started the ranks says the rest.
    private String told() {
        if (ranks.place().isEmpty()) {
            return InterruptGuard.NO_CHECKPOINT;
        }
        return "asked to end, in %s: another rank has ended, or the job was cancelled. %s"
                .formatted(ranks.place(), options().isEmpty() ? advice() : "");
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
        ranks.abort(code);
    }

    private List<String> arguments() {
        List<String> arguments =
                new ArrayList<>(command.root().commandLine().getParseResult().originalArgs());
        arguments.addAll(options());
        return arguments;
    }

    /// The options by which the ranks were asked for.
    private List<String> options() {
        boolean alone = ranks.ranks().size() == 1;
        return alone ? List.of() : RankOptions.words(System.getenv());
    }

    /// A rank that writes nothing.
    private int follow(Function<Runs, RunSummary> start, StopSignal stop) {
        RunSummary summary = start.apply(runs(List.of(), stop, Optional.empty()));
        return summary.interrupted() ? ExitCodes.INTERRUPTED : ExitCodes.DONE;
    }

    private Runs runs(List<TrainingListener> listeners, StopSignal stop, Optional<RunFiles> files) {
        return new Runs(loaded.environment().hubCache(), listeners, stop, ranks.ranks(), files);
    }

    private int lead(
            Function<Runs, RunSummary> start, StopSignal stop, List<TrainingListener> more) {
        SaveConfig save = training.save();
        List<String> arguments = arguments();
        var hint = new ResumeHint(arguments);
        try (var screen = RunScreen.open(command.commandLine().getOut());
                var warnings = WarningTap.open(save.outputDir())) {
            List<HubPush> uploads = new ArrayList<>();
            var files =
                    new RunFiles(
                            words(arguments),
                            loaded.environment().all(),
                            List.of(warnings.file(), MetricPlot.loss(), MetricPlot.reward()),
                            uploads::add);
            List<TrainingListener> listeners = listeners(screen, hint);
            listeners.addAll(more);
            RunSummary summary = start.apply(runs(listeners, stop, Optional.of(files)));
            if (summary.interrupted()) {
                screen.line(hint.text(ResumePoint.glance(save).isPresent()));
                return ExitCodes.INTERRUPTED;
            }
            uploads.forEach(upload -> tell(upload, screen));
            return uploads.stream().anyMatch(upload -> upload.failure().isPresent())
                    ? ExitCodes.FAILED
                    : ExitCodes.DONE;
        }
    }

    /// Says where the result is now.
    private static void tell(HubPush upload, RunScreen screen) {
        upload.address().ifPresent(address -> screen.line("uploaded: " + address));
        upload.failure()
                .ifPresent(
                        why ->
                                screen.line(
                                        "the result is there, but was not uploaded: %s; to try again: attune upload %s %s"
                                                .formatted(why, upload.folder(), upload.target())));
    }

    /// The command as `run.json` has it.
    private static List<String> words(List<String> arguments) {
        List<String> words = new ArrayList<>();
        words.add(ResumeHint.program());
        words.addAll(SecretArguments.without(arguments));
        return words;
    }

    private List<TrainingListener> listeners(RunScreen screen, ResumeHint hint) {
        List<TrainingListener> listeners = new ArrayList<>();
        listeners.add(ProgressLine.of(screen));
        completions
                .filter(CompletionLogConfig::logCompletions)
                .ifPresent(c -> listeners.add(new CompletionsPrinter(screen, c)));
        listeners.add(new HeldOutReport(screen));
        listeners.add(hint);
        return listeners;
    }
}
