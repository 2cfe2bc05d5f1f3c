package org.attune.cli;

import org.attune.cli.command.ExitCodes;
import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.files.AtomicFile;
import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.sweep.Sweep;
import org.attune.trainers.sweep.SweepPlan;
import org.attune.trainers.sweep.SweepTrial;

import picocli.CommandLine.Model.CommandSpec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;

/// Makes the trials of a sweep from a run's file, and says which was best.
///
/// @param <C> configuration of the method
final class SweepRun<C extends Record & RunConfig> implements Sweep.Trials {
    private final CommandSpec spec;
    private final RunConfigReader reader;
    private final TrainingMethod<C, ?> method;
    private final SweepPlan plan;
    private final List<String> words;
    private final LoadedRun<C> base;
    private final Path folder;
    private final PrintWriter console;

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
        console = spec.commandLine().getOut();
    }

    /// @return the exit code
    int run() {
        var sweep = new Sweep(plan, folder, study(), usualMetric());
        Optional<Sweep.Result> result = sweep.run(this);
        if (result.isEmpty()) {
            console.println("to go on with the sweep, call it again");
            return ExitCodes.INTERRUPTED;
        }
        return tell(sweep, result.get());
    }

    /// The held-out metric of the method, as far as it is known before a run has ended.
    private String usualMetric() {
        return switch (method.name()) {
            case "sft", "gkd", "distillation", "sdft" -> "eval_loss";
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

    @Override
    public void check(Sweep.Trial trial) {
        read(trial);
    }

    private LoadedRun<C> read(Sweep.Trial trial) {
        List<String> all = new ArrayList<>(words);
        all.addAll(plan.words(trial.values()));
        all.add("output_dir=" + trial.folder());
        if (trial.resume()) {
            all.add("resume=true");
        }
        return reader.read(method, Path.of(""), all).found();
    }

    @Override
    public boolean train(Sweep.Trial trial, StopSignal stop, TrainingListener watch) {
        console.println(
                "trial %d of %d: %s"
                        .formatted(
                                trial.number() + 1,
                                plan.trials(),
                                String.join(" ", plan.words(trial.values()))));
        console.flush();
        LoadedRun<C> loaded = read(trial);
        C config = loaded.config();
        int code =
                new TrainingSession(spec, loaded, config)
                        .run(
                                runs -> runs.train(method, config, loaded.directory()),
                                stop,
                                List.of(watch));
        return code != ExitCodes.INTERRUPTED;
    }

    @Override
    public void failed(Sweep.Trial trial, AttuneException failure) {
        console.println("trial %d failed: %s".formatted(trial.number() + 1, failure.getMessage()));
    }

    private int tell(Sweep sweep, Sweep.Result result) {
        console.println(table(result));
        if (result.ranked().isEmpty()) {
            console.println("no trial ended with a result");
            console.flush();
            return ExitCodes.FAILED;
        }
        SweepTrial best = result.ranked().getFirst();
        Path own = sweep.folder(best.number());
        Path file = folder.resolve("best.yaml");
        try {
            LoadedRun<C> loaded = read(new Sweep.Trial(best.number(), best.values(), own, false));
            AtomicFile.writeText(file, ResolvedConfig.yaml(loaded.config()));
        } catch (IOException e) {
            throw new ConfigException(file + " can't be written: " + e, e);
        }
        console.println(
                "best: trial %d, %s %.5g with %s; its result is in %s, its keys in %s"
                        .formatted(
                                best.number() + 1,
                                result.metric(),
                                best.result().getAsDouble(),
                                String.join(" ", plan.words(best.values())),
                                own,
                                file));
        console.flush();
        return ExitCodes.DONE;
    }

    private String table(Sweep.Result result) {
        var text = new StringBuilder("%5s  %-9s  %12s  values%n".formatted("trial", "", "result"));
        List<SweepTrial> order = new ArrayList<>(result.ranked());
        result.trials().stream().filter(t -> !order.contains(t)).toList().forEach(order::add);
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
                                    String.join(" ", plan.words(trial.values()))));
        }
        return text.toString().stripTrailing();
    }
}
