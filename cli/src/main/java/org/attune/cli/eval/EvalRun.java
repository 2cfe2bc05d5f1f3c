package org.attune.cli.eval;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.cli.command.SamplingArguments;
import org.attune.cli.eval.EvalArguments.Questions;
import org.attune.error.ConfigException;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.eval.EvalResult;
import org.attune.models.eval.ModelEval;
import org.attune.rollout.generation.SequenceListener;
import org.attune.rollout.generation.TextCompleter;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.tensor.Engine;

import picocli.CommandLine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Asks models questions and judges their answers.
public final class EvalRun {
    private final Questions asked;
    private final SamplingArguments sampling;
    private final int samples;

    /// Hears how a measurement goes on.
    public interface Watch {
        /// Hears that a model is opened.
        default void loading(String model) {}

        /// Hears that completions begin.
        ///
        /// @param completions how many there will be of the model
        /// @return hears of tokens and ends
        SequenceListener start(int completions);
    }

    /// @param samples completions of each problem, ≥ 1
    EvalRun(Questions asked, SamplingArguments sampling, int samples) {
        this.asked = asked;
        this.sampling = sampling;
        this.samples = samples;
    }

    /// Measures models by their likeliest answers.
    ///
    /// @param questions options of `attune eval` that say what is asked, and how it is judged
    /// @param configs one model, or two to compare: one with different adapters
    /// @param shown problems to give with their completions
    /// @throws org.attune.error.AttuneException if questions or models are wrong
    public static ObjectNode likeliest(
            List<String> questions,
            int maxNewTokens,
            List<ModelConfig> configs,
            int shown,
            Watch watch) {
        var arguments = new EvalArguments();
        new CommandLine(arguments).parseArgs(questions.toArray(String[]::new));
        var sampling = new SamplingArguments();
        new CommandLine(sampling)
                .parseArgs("--temperature", "0", "--max-new-tokens", "" + maxNewTokens);
        var run = new EvalRun(arguments.questions(sampling.seed), sampling, 1);
        return run.of(configs, watch).json(shown);
    }

    static String label(ModelConfig config) {
        return config.modelNameOrPath()
                + config.adapterNameOrPath().map(adapter -> " + " + adapter).orElse("");
    }

    /// Measures models: with different adapters on one set of weights, else one after the other.
    EvalOutput of(List<ModelConfig> configs, Watch watch) {
        boolean one = configs.stream().map(ModelConfig::modelNameOrPath).distinct().count() == 1;
        List<EvalResult> results =
                one
                        ? onOne(configs, watch)
                        : configs.stream().flatMap(c -> onOne(List.of(c), watch).stream()).toList();
        List<EvalOutput.Measured> measured = new ArrayList<>();
        for (int i = 0; i < configs.size(); i++) {
            measured.add(new EvalOutput.Measured(label(configs.get(i)), results.get(i)));
        }
        return new EvalOutput(asked.title(), List.copyOf(measured));
    }

    private List<EvalResult> onOne(List<ModelConfig> configs, Watch watch) {
        ModelConfig first =
                configs.stream()
                        .filter(c -> c.adapterNameOrPath().isPresent())
                        .findFirst()
                        .orElse(configs.getFirst());
        watch.loading(label(first));
        return Engine.call(
                () -> {
                    try (var loaded = LoadedModel.open(first)) {
                        List<EvalResult> results = new ArrayList<>();
                        for (ModelConfig config : configs) {
                            Optional<String> adapter = config.adapterNameOrPath();
                            results.add(
                                    measure(
                                            loaded.setup(),
                                            config.equals(first)
                                                    ? loaded.completer()
                                                    : loaded.completerWith(adapter),
                                            watch));
                        }
                        return results;
                    }
                });
    }

    private EvalResult measure(ModelSetup setup, TextCompleter completer, Watch watch) {
        if (setup.text().template().isEmpty() && asked.needsTemplate()) {
            throw new ConfigException(
                    "%s has no chat template, which conversations need; give one with"
                                    .formatted(setup.source().path())
                            + " --chat-template, or continue a file's texts as they are with"
                            + " --raw");
        }
        SamplingConfig chosen = sampling.config(setup);
        SequenceListener listener = watch.start(asked.problems().size() * samples);
        return new ModelEval(completer, setup.text(), asked.reward())
                .run(asked.problems(), chosen, samples, listener);
    }
}
