package org.attune.cli.rounds;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.UsesEngine;
import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.error.ConfigException;
import org.attune.rollout.source.RecordedLines;
import org.attune.tensor.Engine;
import org.attune.trainers.onpolicy.RolloutRun;
import org.attune.trainers.opening.Rescoring;
import org.attune.trainers.opening.RolloutMethod;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.TrainingMethod;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/// `attune rescore FILE RUN.yaml [key=value …] --out NEW`
@Command(
        name = "rescore",
        description = {
            "Judge recorded completions anew by a run's reward_funcs.",
            "Nothing is generated. FILE is what record_rollouts wrote; the new file has the same"
                    + " completions with the new rewards, for recorded_rollouts."
        })
public final class RescoreCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(index = "0", paramLabel = "FILE", description = "Recorded completions.")
    Path file;

    @Parameters(
            index = "1..*",
            arity = "1..*",
            paramLabel = "RUN.yaml|key=value",
            description = "A GRPO, RLOO or PPO run's file, and keys that win over it.")
    List<String> words = new ArrayList<>();

    @Option(
            names = "--out",
            required = true,
            paramLabel = "NEW",
            description = "File that is written when all are judged.")
    Path out;

    @Override
    public Integer call() {
        var reader = new RunConfigReader();
        TrainingMethod<?, ?> method =
                reader.methodOf(Path.of(""), words, RowSetup::typeOf).method();
        if (!(method instanceof RolloutMethod<?> rollouts)) {
            throw new ConfigException(
                    "attune rescore needs a run with reward_funcs; this one is for attune %s"
                            .formatted(method.name()));
        }
        Rescoring.Result result = rescored(reader, rollouts);
        RecordedLines.write(out, result.after());
        PrintWriter printed = spec.commandLine().getOut();
        printed.print(RescoreTable.of(result));
        printed.println("%d completions are in %s".formatted(result.after().size(), out));
        printed.flush();
        return ExitCodes.DONE;
    }

    private <C extends Record & RolloutRun> Rescoring.Result rescored(
            RunConfigReader reader, RolloutMethod<C> method) {
        LoadedRun<C> loaded = reader.read(method, Path.of(""), words).found();
        try {
            return Engine.call(
                    () ->
                            Rescoring.of(
                                    method,
                                    loaded.config(),
                                    loaded.directory(),
                                    loaded.environment().hubCache(),
                                    file));
        } catch (ConfigException e) {
            throw loaded.placed(e);
        }
    }
}
