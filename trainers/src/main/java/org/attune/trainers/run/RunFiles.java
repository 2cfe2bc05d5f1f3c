package org.attune.trainers.run;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.tensor.Engine;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.config.SaveConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.report.CompletionsFile;
import org.attune.trainers.report.ConfigFile;
import org.attune.trainers.report.HeldBack;
import org.attune.trainers.report.HeldOutFile;
import org.attune.trainers.report.HubPush;
import org.attune.trainers.report.Machine;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.PhasesFile;
import org.attune.trainers.report.RunCard;
import org.attune.trainers.report.RunFile;
import org.attune.trainers.report.RunFolder;
import org.attune.trainers.report.RunProcess;
import org.attune.trainers.report.RunReports;
import org.attune.trainers.report.RunSettings;
import org.attune.trainers.report.SummaryFile;
import org.attune.trainers.report.Versions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/// What a run writes to its `output_dir` beside checkpoints and the result: `run.json`,
/// `config.yaml`, `metrics.jsonl`, `summary.json`, `phases.json`, `heldout.jsonl`, and where the
/// configuration asks for them, completions and an upload to the Hub. The page about the run,
/// TensorBoard's events and trackers come from the reporters on the class path ([RunReports]).
/// Commands and programs write the same. An earlier run's files are moved to `earlier-N/`, and a
/// second run at the same time is refused.
///
/// @param command program and arguments, without what nobody may read; empty in a program
/// @param environment variables, by which trackers and the Hub are found
/// @param writers more listeners that write to the folder
/// @param uploads gets the upload, if there was one, when it is over
@Api(EXPERIMENTAL)
public record RunFiles(
        List<String> command,
        Map<String, String> environment,
        List<TrainingListener> writers,
        Consumer<HubPush> uploads) {
    private static final Logger LOG = LoggerFactory.getLogger(RunFiles.class);

    public RunFiles {
        command = List.copyOf(command);
        environment = Map.copyOf(environment);
        writers = List.copyOf(writers);
    }

    /// The files of a program that uses the library.
    public static RunFiles ofProgram() {
        return new RunFiles(List.of(), System.getenv(), List.of(), RunFiles::log);
    }

    private static void log(HubPush upload) {
        upload.address().ifPresent(address -> LOG.info("uploaded: {}", address));
        upload.failure()
                .ifPresent(why -> LOG.warn("the result is there, but was not uploaded: {}", why));
    }

    /// Makes the run.
    ///
    /// @param listeners told after what writes files
    /// @param training makes it with all listeners
    <C extends Record & RunConfig> RunSummary write(
            TrainingMethod<C, ?> method,
            C config,
            List<TrainingListener> listeners,
            Function<List<TrainingListener>, RunSummary> training) {
        SaveConfig save = config.training().save();
        var phases = new PhasesFile(save.outputDir());
        var file =
                new RunFile(
                        save.outputDir(),
                        card(method.name(), config.training()),
                        InstantSource.system(),
                        () -> Engine.libtorch().toString());
        try (var interrupt = new HeldInterrupt();
                var folder = RunFolder.open(save.outputDir(), save.resume(), config.inputs());
                var upload = ResultUpload.of(method, config, environment);
                var reports = RunReports.open(settings(method, config))) {
            List<TrainingListener> all = new ArrayList<>();
            all.add(new HeldBack(folder, writers(config, file, phases, reports)));
            all.addAll(listeners);
            upload.listener().ifPresent(all::add);
            if (!folder.holdsEarlierRun()) {
                file.begin();
            }
            RunSummary summary;
            try {
                summary = training.apply(all);
                interrupt.hold();
                file.settle(summary);
            } catch (RuntimeException | Error e) {
                interrupt.hold();
                file.fail(e);
                throw e;
            } finally {
                report(file, phases, reports);
            }
            if (!summary.interrupted()) {
                upload.listener().ifPresent(uploads);
            }
            return summary;
        }
    }

    /// Who interrupts a thread that trains asks the run to stop; the thread is interrupted again
    /// when all is written, since a channel that it writes to would close at once.
    private static final class HeldInterrupt implements AutoCloseable {
        private boolean held;

        void hold() {
            held |= Thread.interrupted();
        }

        @Override
        public void close() {
            if (held) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /// Lets reports write what needs the run's files, such as the page about it, however it ended.
    private static void report(RunFile file, PhasesFile phases, RunReports reports) {
        if (!file.isWritten()) {
            return; // what stands there is an earlier run's
        }
        phases.settle();
        reports.write();
    }

    private <C extends Record & RunConfig> RunSettings settings(
            TrainingMethod<C, ?> method, C config) {
        return new RunSettings(config, config.training(), method.defaults(), environment);
    }

    private RunCard card(String method, TrainingConfig training) {
        Instant now = Instant.now();
        return new RunCard(
                method,
                training.log().runName(),
                RunCard.State.STARTING,
                RunProcess.current(),
                command,
                Path.of("").toAbsolutePath().toString(),
                Versions.attune(),
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
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("versions", Versions.text());
        facts.put("machine", Machine.current().text());
        return facts;
    }

    private <C extends Record & RunConfig> List<TrainingListener> writers(
            C config, RunFile file, PhasesFile phases, RunReports reports) {
        TrainingConfig training = config.training();
        Path folder = training.save().outputDir();
        List<TrainingListener> all = new ArrayList<>();
        all.add(file);
        all.add(new ConfigFile(config));
        all.add(new MetricsFile(folder));
        all.addAll(reports.listeners());
        if (logsCompletions(config)) {
            all.add(new CompletionsFile(folder));
        }
        all.add(new HeldOutFile(folder));
        all.add(phases);
        all.addAll(writers);
        all.add(new SummaryFile(folder));
        return all;
    }

    private static boolean logsCompletions(RunConfig config) {
        return config instanceof GeneratingRun generating
                && generating.completionLog().logCompletions();
    }
}
