package org.attune.cli;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.RunArguments;
import org.attune.cli.command.UsesEngine;
import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.MethodChoice;
import org.attune.cli.config.RunConfigReader;
import org.attune.error.ConfigException;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.sweep.SweepPlan;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.util.List;
import java.util.concurrent.Callable;

/// `attune sweep RUN.yaml [key=value …]`
@Command(
        name = "sweep",
        description = {
            "Try several values of a run's keys, and compare the results.",
            "The block sweep of the run's file says which: lists and ranges, as a grid, at random"
                    + " or by what was good before (docs/sweep.md). Called again, it goes on."
        })
final class SweepCommand implements Callable<Integer>, UsesEngine {
    static final String BLOCK = "sweep";

    @Mixin CommonOptions common;
    @Mixin RunArguments run;
    @Spec CommandSpec spec;

    @Option(
            names = "--method",
            description = "A method, as sft or dpo (default: what the file's keys and rows say).")
    TrainingMethod<?, ?> method;

    @Override
    public boolean stopsItself() {
        return true;
    }

    @Override
    public Integer call() {
        RunConfigReader reader = new RunConfigReader().without(BLOCK);
        Object block =
                reader.block(run.file(), run.words, BLOCK)
                        .orElseThrow(
                                () ->
                                        new ConfigException(
                                                "the run's file has no block sweep; add one, such"
                                                    + " as\n"
                                                    + "  sweep:\n"
                                                    + "    trials: 20\n"
                                                    + "    keys:\n"
                                                    + "      learning_rate: {min: 1e-5, max: 1e-3,"
                                                    + " scale: log}"));
        SweepPlan plan = SweepPlan.of(block);
        TrainingMethod<?, ?> one = method == null ? method(reader) : method;
        return sweep(reader, one, plan);
    }

    private TrainingMethod<?, ?> method(RunConfigReader reader) {
        MethodChoice choice = reader.methodOf(run.file(), run.words, RowSetup::typeOf);
        spec.commandLine()
                .getOut()
                .println(
                        "method: %s, from %s; --method says another"
                                .formatted(choice.method().name(), choice.reason()));
        return choice.method();
    }

    private <C extends Record & RunConfig> int sweep(
            RunConfigReader reader, TrainingMethod<C, ?> one, SweepPlan plan) {
        List<String> words = run.words;
        LoadedRun<C> base = reader.read(one, run.file(), words).found();
        return new SweepRun<>(spec, reader, one, plan, words, base).run();
    }
}
