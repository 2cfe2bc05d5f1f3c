package org.attune.cli.eval;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.cli.command.SamplingArguments;
import org.attune.cli.config.RunConfigReader;
import org.attune.hub.HubDownload;
import org.attune.models.GenerationOptions;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.eval.EvalResult;
import org.attune.models.eval.ModelEval;
import org.attune.rollout.generation.SequenceListener;
import org.attune.rollout.generation.TextCompleter;
import org.attune.tensor.Engine;
import org.attune.trainers.config.EvalTask;
import org.attune.trainers.opening.TaskQuestions;

import picocli.CommandLine;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Asks models questions and judges their answers.
public final class EvalRun {
    private final List<Asked> tasks;

    /// What is asked, and how answers are sampled.
    ///
    /// @param samples completions of each problem, ≥ 1
    private record Asked(TaskQuestions questions, GenerationOptions options, int samples) {}

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

    private EvalRun(List<Asked> tasks) {
        this.tasks = tasks;
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
        return of(arguments, sampling, 1, configs).of(configs, watch).getFirst().json(shown);
    }

    /// Reads what is asked.
    ///
    /// @param samples completions of each problem, ≥ 1
    /// @param configs models that will be asked
    /// @throws org.attune.error.AttuneException if questions are wrong
    static EvalRun of(
            EvalArguments arguments,
            SamplingArguments sampling,
            int samples,
            List<ModelConfig> configs) {
        EvalTask task = arguments.task(sampling, samples);
        boolean sees = sees(List.of(task), configs);
        return new EvalRun(List.of(asked(task, sampling.options(), sees)));
    }

    /// Reads what the tasks of a file ask.
    ///
    /// @param configs models that will be asked
    static EvalRun of(Path file, List<ModelConfig> configs) {
        List<EvalTask> tasks = RunConfigReader.tasks(file);
        boolean sees = sees(tasks, configs);
        return new EvalRun(
                tasks.stream().map(t -> asked(t, TaskQuestions.options(t), sees)).toList());
    }

    private static Asked asked(EvalTask task, GenerationOptions options, boolean sees) {
        return new Asked(
                TaskQuestions.of(task, HubDownload.cache(), sees), options, task.samples());
    }

    /// Whether pictures of rows are shown; a model that sees none then says so.
    private static boolean sees(List<EvalTask> tasks, List<ModelConfig> configs) {
        return tasks.stream().anyMatch(t -> t.data().isPresent())
                && configs.stream().anyMatch(EvalRun::sees);
    }

    private static boolean sees(ModelConfig config) {
        try (var setup = ModelSetup.open(config, HubDownload.cache())) {
            return setup.images().isPresent();
        }
    }

    static String label(ModelConfig config) {
        return config.modelNameOrPath()
                + config.adapterNameOrPath().map(adapter -> " + " + adapter).orElse("");
    }

    /// Measures models: with different adapters on one set of weights, else one after the other.
    ///
    /// @return one for each task
    List<EvalOutput> of(List<ModelConfig> configs, Watch watch) {
        boolean one = configs.stream().map(ModelConfig::modelNameOrPath).distinct().count() == 1;
        List<List<EvalResult>> results =
                one
                        ? onOne(configs, watch)
                        : configs.stream().flatMap(c -> onOne(List.of(c), watch).stream()).toList();
        List<EvalOutput> outputs = new ArrayList<>();
        for (int t = 0; t < tasks.size(); t++) {
            List<EvalOutput.Measured> measured = new ArrayList<>();
            for (int i = 0; i < configs.size(); i++) {
                EvalResult result = results.get(i).get(t);
                measured.add(new EvalOutput.Measured(label(configs.get(i)), result));
            }
            outputs.add(new EvalOutput(tasks.get(t).questions().title(), List.copyOf(measured)));
        }
        return outputs;
    }

    /// Results of all tasks for each configuration of one model.
    private List<List<EvalResult>> onOne(List<ModelConfig> configs, Watch watch) {
        ModelConfig first =
                configs.stream()
                        .filter(c -> c.adapterNameOrPath().isPresent())
                        .findFirst()
                        .orElse(configs.getFirst());
        watch.loading(label(first));
        return Engine.call(
                () -> {
                    try (var loaded = LoadedModel.open(first)) {
                        List<List<EvalResult>> results = new ArrayList<>();
                        for (ModelConfig config : configs) {
                            TextCompleter completer =
                                    config.equals(first)
                                            ? loaded.completer()
                                            : loaded.completerWith(config.adapterNameOrPath());
                            results.add(
                                    tasks.stream()
                                            .map(t -> measure(t, loaded.setup(), completer, watch))
                                            .toList());
                        }
                        return results;
                    }
                });
    }

    private static EvalResult measure(
            Asked task, ModelSetup setup, TextCompleter completer, Watch watch) {
        TaskQuestions questions = task.questions();
        questions.requireTemplate(setup);
        SequenceListener listener = watch.start(questions.problems().size() * task.samples());
        return new ModelEval(completer, setup.text(), questions.reward())
                .run(questions.problems(), task.options().of(setup), task.samples(), listener);
    }
}
