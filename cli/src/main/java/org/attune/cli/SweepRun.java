package org.attune.cli;

import org.attune.cli.command.ExitCodes;
import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.cli.sweep.MedianRule;
import org.attune.cli.sweep.SweepJournal;
import org.attune.cli.sweep.SweepPlan;
import org.attune.cli.sweep.SweepSearch;
import org.attune.cli.sweep.SweepTrial;
import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.files.AtomicFile;
import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.opening.TrainingMethod;

import picocli.CommandLine.Model.CommandSpec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.UUID;

/// Makes the trials of a sweep, one after the other, and says which was best.
///
/// @param <C> configuration of the method
final class SweepRun<C extends Record & RunConfig> {
    private static final int IN_A_ROW = 3;

    private final CommandSpec spec;
    private final RunConfigReader reader;
    private final TrainingMethod<C, ?> method;
    private final SweepPlan plan;
    private final List<String> words;
    private final LoadedRun<C> base;
    private final Path folder;
    private final PrintWriter console;
    private final int first; // number of the first trial's folder
    private Optional<String> metric;
    private int failures;

    SweepRun(
            CommandSpec spec,
            RunConfigReader reader,
            TrainingMethod<C, ?> method,
            SweepPlan plan,
            List<String> words,
            LoadedRun<C> base) {
        this.spec = spec;
        this.reader = reader;
        this.method = method;
        this.plan = plan;
        this.words = words;
        this.base = base;
        folder = base.config().training().save().outputDir();
        first = Files.isDirectory(folder.resolve("trial-000")) ? 0 : 1; // as sweeps once began
        console = spec.commandLine().getOut();
        metric = plan.metric();
    }

    /// @return the exit code
    int run() {
        String wanted = metric.orElseGet(this::usualMetric);
        boolean smaller = SweepOutcome.isSmallerBetter(wanted);
        SweepJournal journal = SweepJournal.open(folder, study(), smaller);
        var search = new SweepSearch(plan, smaller);
        check(search);
        metric = metric.or(() -> measured(journal));
        for (SweepTrial trial : journal.trials()) {
            if (trial.state() == SweepTrial.State.RUNNING && !complete(journal, trial, smaller)) {
                return ExitCodes.INTERRUPTED;
            }
        }
        while (journal.trials().size() < plan.trials()) {
            List<SweepTrial> before = journal.trials();
            Map<String, Double> values = search.next(before.size(), before);
            if (!complete(journal, journal.begin(values, plan.ranges()), smaller)) {
                return ExitCodes.INTERRUPTED;
            }
        }
        return tell(journal, search, wanted);
    }

    /// The metric by which the trials of an earlier call were compared.
    private Optional<String> measured(SweepJournal journal) {
        return journal.trials().stream()
                .filter(trial -> trial.state() == SweepTrial.State.COMPLETE)
                .findFirst()
                .map(trial -> SweepOutcome.of(trialFolder(trial.number()), metric).metric());
    }

    /// The held-out metric of the method, as far as it is known before a run has ended.
    private String usualMetric() {
        return switch (method.name()) {
            case "sft", "gkd", "distillation" -> "eval_loss";
            default -> "eval_accuracy"; // a share or a reward: larger is better
        };
    }

    /// What tells this sweep from others: all keys but where it is written, and what is tried; not
    /// how many trials.
    private String study() {
        Map<String, Object> keys = new TreeMap<>(ResolvedConfig.flat(base.config()));
        keys.remove("output_dir");
        keys.remove("resume");
        String all =
                "%s %s %s %d %s"
                        .formatted(
                                method.name(), keys, plan.strategy(), plan.seed(), plan.ranges());
        return "attune-" + UUID.nameUUIDFromBytes(all.getBytes(StandardCharsets.UTF_8));
    }

    /// Reads a trial's keys before anything is trained, so that a wrong one costs nothing.
    private void check(SweepSearch search) {
        read(0, search.next(0, List.of()), false);
    }

    private LoadedRun<C> read(int number, Map<String, Double> values, boolean resume) {
        List<String> all = new ArrayList<>(words);
        all.addAll(chosen(values));
        all.add("output_dir=" + trialFolder(number));
        if (resume) {
            all.add("resume=true");
        }
        return reader.read(method, Path.of(""), all).found();
    }

    private List<String> chosen(Map<String, Double> values) {
        return values.entrySet().stream()
                .map(e -> e.getKey() + "=" + plan.ranges().get(e.getKey()).text(e.getValue()))
                .toList();
    }

    /// Has the number that a trial is told by, which begins at 1.
    private Path trialFolder(int number) {
        return folder.resolve("trial-%03d".formatted(number + first));
    }

    /// Makes a trial, or the rest of it.
    ///
    /// @return whether the sweep may go on
    private boolean complete(SweepJournal journal, SweepTrial trial, boolean smaller) {
        if (!trial.values().keySet().equals(plan.ranges().keySet())) {
            end(journal, trial, SweepTrial.State.FAILED); // a crash cut its values
            return true;
        }
        console.println(
                "trial %d of %d: %s"
                        .formatted(
                                trial.number() + 1,
                                plan.trials(),
                                String.join(" ", chosen(trial.values()))));
        console.flush();
        boolean started = Files.exists(trialFolder(trial.number()).resolve("metrics.jsonl"));
        LoadedRun<C> loaded = read(trial.number(), trial.values(), started);
        C config = loaded.config();
        var stop = new StopSignal();
        var watch =
                new SweepWatch(
                        stop,
                        plan.prune() ? Optional.of(new MedianRule(smaller)) : Optional.empty(),
                        metric,
                        journal.trials());
        try {
            int code =
                    new TrainingSession(spec, loaded, config)
                            .run(
                                    runs -> runs.train(method, config, loaded.directory()),
                                    stop,
                                    List.of(watch));
            if (code == ExitCodes.INTERRUPTED && !watch.gaveUp()) {
                console.println("to go on with the sweep, call it again");
                return false;
            }
        } catch (ConfigException e) {
            throw e;
        } catch (AttuneException e) {
            return failed(journal, trial, e);
        }
        failures = 0;
        ended(journal, trial, watch.gaveUp(), smaller);
        return true;
    }

    /// A trial that diverges is a bad one; several in a row are a fault of the run.
    private boolean failed(SweepJournal journal, SweepTrial trial, AttuneException failure) {
        console.println("trial %d failed: %s".formatted(trial.number() + 1, failure.getMessage()));
        end(journal, trial, SweepTrial.State.FAILED);
        if (++failures == IN_A_ROW) {
            throw failure;
        }
        return true;
    }

    private static void end(SweepJournal journal, SweepTrial trial, SweepTrial.State state) {
        journal.end(trial, state, OptionalDouble.empty(), Map.of());
    }

    private void ended(SweepJournal journal, SweepTrial trial, boolean gaveUp, boolean smaller) {
        SweepOutcome outcome = SweepOutcome.of(trialFolder(trial.number()), metric);
        metric = Optional.of(outcome.metric());
        if (SweepOutcome.isSmallerBetter(outcome.metric()) != smaller) {
            throw new ConfigException(
                    "sweep: the run measures %s; set metric: %s in the block sweep, and another output_dir"
                            .formatted(outcome.metric(), outcome.metric()));
        }
        SweepTrial.State state = gaveUp ? SweepTrial.State.PRUNED : outcome.state();
        journal.end(
                trial,
                state,
                state == SweepTrial.State.COMPLETE ? outcome.result() : OptionalDouble.empty(),
                outcome.steps());
    }

    private int tell(SweepJournal journal, SweepSearch search, String wanted) {
        List<SweepTrial> ranked = search.ranked(journal.trials());
        console.println(table(journal.trials(), ranked));
        if (ranked.isEmpty()) {
            console.println("no trial ended with a result");
            console.flush();
            return ExitCodes.FAILED;
        }
        SweepTrial best = ranked.getFirst();
        Path file = folder.resolve("best.yaml");
        try {
            LoadedRun<C> loaded = read(best.number(), best.values(), false);
            AtomicFile.writeText(file, ResolvedConfig.yaml(loaded.config()));
        } catch (IOException e) {
            throw new ConfigException(file + " can't be written: " + e, e);
        }
        console.println(
                "best: trial %d, %s %.5g with %s; its result is in %s, its keys in %s"
                        .formatted(
                                best.number() + 1,
                                metric.orElse(wanted),
                                best.result().getAsDouble(),
                                String.join(" ", chosen(best.values())),
                                trialFolder(best.number()),
                                file));
        console.flush();
        return ExitCodes.DONE;
    }

    private String table(List<SweepTrial> trials, List<SweepTrial> ranked) {
        var text = new StringBuilder("%5s  %-9s  %12s  values%n".formatted("trial", "", "result"));
        List<SweepTrial> order = new ArrayList<>(ranked);
        trials.stream().filter(t -> !ranked.contains(t)).forEach(order::add);
        for (SweepTrial trial : order) {
            text.append(
                    "%5d  %-9s  %12s  %s%n"
                            .formatted(
                                    trial.number() + 1,
                                    switch (trial.state()) {
                                        case COMPLETE -> "";
                                        case PRUNED -> "given up";
                                        case FAILED -> "failed";
                                        case RUNNING -> "running";
                                    },
                                    trial.result().isPresent()
                                            ? "%.5g".formatted(trial.result().getAsDouble())
                                            : "",
                                    String.join(" ", chosen(trial.values()))));
        }
        return text.toString().stripTrailing();
    }
}
