package org.attune.cli.eval;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.ModelOptions;
import org.attune.cli.command.SamplingArguments;
import org.attune.cli.command.UsesEngine;
import org.attune.cli.eval.EvalArguments.Questions;
import org.attune.cli.progress.CountedProgress;
import org.attune.cli.terminal.RunScreen;
import org.attune.error.ConfigException;
import org.attune.hub.HubDownload;
import org.attune.models.DtypeChoice;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.eval.EvalResult;
import org.attune.models.eval.ModelEval;
import org.attune.rollout.generation.TextCompleter;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.heads.HeadEval;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune eval --model MODEL [--adapter ADAPTER] (--task NAME | --data FILE --verifier NAME)`
@Command(
        name = "eval",
        description = {
            "Measure how often a model is right, or how two models differ.",
            "Takes the likeliest tokens unless --temperature is given.",
            "A model that classifies, ranks or embeds is measured on --data alone, rows with"
                + " labels."
        })
public final class EvalCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin ModelOptions model;
    @Mixin EvalArguments questions;
    @Mixin SamplingArguments sampling;
    @Spec CommandSpec spec;

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
        if (sampling.temperature == null) {
            sampling.temperature = 0.0;
        }
        if (samples < 1 || samples > 1 && sampling.temperature == 0) {
            throw new ConfigException(
                    "--samples is %d; accepted: 1, or more with a --temperature above 0"
                            .formatted(samples));
        }
        if (questions.areLabelled() && printedLabelled()) {
            return ExitCodes.DONE;
        }
        Questions asked = questions.questions(sampling.seed);
        List<ModelConfig> configs = configs();
        List<EvalResult> results;
        try (var screen = RunScreen.open(spec.commandLine().getOut())) {
            results =
                    againstModel == null
                            ? onOne(configs, asked, screen)
                            : each(configs, asked, screen);
        }
        var measured = new ArrayList<EvalOutput.Measured>();
        for (int i = 0; i < configs.size(); i++) {
            measured.add(new EvalOutput.Measured(label(configs.get(i)), results.get(i)));
        }
        var report = new EvalOutput(asked.title(), List.copyOf(measured));
        report.print(spec.commandLine().getOut(), shown);
        if (out != null) {
            report.write(out);
        }
        return ExitCodes.DONE;
    }

    /// Measures a model that classifies, ranks or embeds.
    ///
    /// @return false if the model has no such head
    private boolean printedLabelled() {
        Optional<Map<String, Double>> metrics =
                Engine.call(
                        () ->
                                HeadEval.of(
                                        model.config(dtype),
                                        DataConfig.of(questions.data.toString()),
                                        HubDownload.cache()));
        PrintWriter writer = spec.commandLine().getOut();
        metrics.ifPresent(
                all ->
                        all.forEach(
                                (name, value) ->
                                        writer.printf(Locale.ROOT, "%-10s %.4f%n", name, value)));
        return metrics.isPresent();
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
                            .formatted(label(first)));
        }
        return List.of(first, second);
    }

    private static String label(ModelConfig config) {
        return config.modelNameOrPath()
                + config.adapterNameOrPath().map(adapter -> " + " + adapter).orElse("");
    }

    /// Measures different models, one after the other.
    private List<EvalResult> each(List<ModelConfig> configs, Questions asked, RunScreen screen) {
        return configs.stream().flatMap(c -> onOne(List.of(c), asked, screen).stream()).toList();
    }

    /// Measures a model with different adapters, on one set of weights.
    private List<EvalResult> onOne(List<ModelConfig> configs, Questions asked, RunScreen screen) {
        ModelConfig first =
                configs.stream()
                        .filter(c -> c.adapterNameOrPath().isPresent())
                        .findFirst()
                        .orElse(configs.getFirst());
        var progress = new CountedProgress(screen, InstantSource.system(), "completions", false);
        progress.loading(label(first));
        return Engine.call(
                () -> {
                    try (var loaded = LoadedModel.open(first)) {
                        List<EvalResult> results = new ArrayList<>();
                        for (ModelConfig config : configs) {
                            TextCompleter completer =
                                    config.equals(first)
                                            ? loaded.completer()
                                            : loaded.completerWith(config.adapterNameOrPath());
                            results.add(measure(loaded.setup(), completer, asked, progress));
                        }
                        return results;
                    }
                });
    }

    private EvalResult measure(
            ModelSetup setup, TextCompleter completer, Questions asked, CountedProgress progress) {
        if (setup.text().template().isEmpty() && asked.needsTemplate()) {
            throw new ConfigException(
                    "%s has no chat template, which conversations need; give one with"
                                    .formatted(model.model)
                            + " --chat-template, or continue a file's texts as they are with"
                            + " --raw");
        }
        SamplingConfig chosen = sampling.config(setup);
        progress.start(0, asked.problems().size() * samples);
        return new ModelEval(completer, setup.text(), asked.reward())
                .run(asked.problems(), chosen, samples, progress.listener());
    }
}
