package org.attune.cli.eval;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.ModelOptions;
import org.attune.cli.command.SamplingArguments;
import org.attune.cli.command.UsesEngine;
import org.attune.cli.progress.CountedProgress;
import org.attune.cli.terminal.RunScreen;
import org.attune.error.ConfigException;
import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;
import org.attune.rollout.generation.SequenceListener;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Callable;

/// `attune eval --model MODEL [--adapter ADAPTER] (--task NAME | --data FILE --verifier NAME)`
@Command(
        name = "eval",
        description = {
            "Measure how often a model is right, or how two models differ.",
            "Takes the likeliest tokens unless --temperature is given.",
            "Models that classify, rank or embed are measured on --data, rows with labels."
        })
public final class EvalCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin ModelOptions model;
    @Mixin EvalArguments questions;
    @Mixin SamplingArguments sampling;
    @Spec CommandSpec spec;

    @Option(
            names = "--tasks",
            paramLabel = "FILE",
            description = "The eval_tasks of a YAML file, such as a run's, one after the other.")
    Path tasks;

    @Option(
            names = "--against-model",
            paramLabel = "MODEL",
            description = "Compare with this model (default: the same model).")
    String againstModel;

    @Option(
            names = "--against-adapter",
            paramLabel = "ADAPTER",
            description = "Compare with this adapter on it.")
    String againstAdapter;

    @Option(
            names = "--samples",
            defaultValue = "1",
            paramLabel = "COUNT",
            description = "Completions of each problem; more than one needs a --temperature.")
    int samples;

    @Option(
            names = "--show",
            defaultValue = "4",
            paramLabel = "COUNT",
            description = "Completions to print (default: ${DEFAULT-VALUE}).")
    int shown;

    @Option(names = "--out", paramLabel = "FILE", description = "Write all rows as JSON lines.")
    Path out;

    @Option(names = "--dtype", defaultValue = "auto", description = "auto, float32 or bfloat16.")
    DtypeChoice dtype;

    @Override
    public Integer call() {
        if (tasks != null) {
            return measure(EvalRun.of(tasksAlone(), configs()));
        }
        if (sampling.temperature == null) {
            sampling.temperature = 0.0;
        }
        if (samples < 1 || samples > 1 && sampling.temperature == 0) {
            throw new ConfigException(
                    "--samples is %d; accepted: 1, or more with a --temperature above 0"
                            .formatted(samples));
        }
        if (questions.areLabelled()
                && LabelledRows.print(
                        model.config(dtype),
                        questions.data,
                        spec.commandLine().getParseResult(),
                        spec.commandLine().getOut())) {
            return ExitCodes.DONE;
        }
        return measure(EvalRun.of(questions, sampling, samples, configs()));
    }

    /// The tasks of the file, beside which nothing else says what is asked.
    private Path tasksAlone() {
        boolean others =
                questions.task != null || questions.data != null || sampling.temperature != null;
        if (others || samples > 1) {
            throw new ConfigException(
                    "--tasks says what is asked and how; leave out --task, --data, --temperature"
                            + " and --samples");
        }
        return tasks;
    }

    private int measure(EvalRun measurement) {
        List<ModelConfig> configs = configs();
        List<EvalOutput> found;
        try (var screen = RunScreen.open(spec.commandLine().getOut())) {
            found = measurement.of(configs, watch(screen));
        }
        found.forEach(output -> output.print(spec.commandLine().getOut(), shown));
        if (out != null) {
            EvalOutput.write(found, out);
        }
        return ExitCodes.DONE;
    }

    @Override
    public String afterStop() {
        return "nothing was measured to its end";
    }

    private List<ModelConfig> configs() {
        ModelConfig first = model.config(dtype);
        if (againstModel == null && againstAdapter == null) {
            return List.of(first);
        }
        ModelConfig other =
                ModelConfig.of(againstModel == null ? model.model : againstModel)
                        .withDevice(model.device)
                        .withDtype(dtype);
        ModelConfig second =
                againstAdapter == null ? other : other.withAdapterNameOrPath(againstAdapter);
        if (second.equals(first)) {
            throw new ConfigException(
                    "both sides are %s; give another --against-model or --against-adapter"
                            .formatted(EvalRun.label(first)));
        }
        return List.of(first, second);
    }

    private static EvalRun.Watch watch(RunScreen screen) {
        var progress = new CountedProgress(screen, InstantSource.system(), "completions", false);
        return new EvalRun.Watch() {
            @Override
            public void loading(String model) {
                progress.loading(model);
            }

            @Override
            public SequenceListener start(int completions) {
                progress.start(0, completions);
                return progress.listener();
            }
        };
    }
}
