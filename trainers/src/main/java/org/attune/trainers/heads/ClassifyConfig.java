package org.attune.trainers.heads;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;

import org.attune.api.Api;
import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.InRange;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.config.TrainingConfig;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// A run that trains a classifier of texts or of their words, as transformers' classes for sequence
/// and token classification are. `ClassifyConfig.defaults()` has transformers' defaults; model,
/// data and output folder must be given.
///
/// @param model a classifier to train on, or a causal language model, which gets a score head
/// @param lora adapter
/// @param data rows with labels
/// @param problemType what is learnt; empty: what the labels look like, as in transformers
/// @param id2label names of the labels, in the order of their numbers; empty: those of a
///     classifier, else those of the rows
/// @param maxLength tokens of a sequence; what is beyond is cut off. Empty: nothing is
/// @param disableDropout whether the adapter's dropout is off
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record ClassifyConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        Optional<ProblemType> problemType,
        List<String> id2label,
        @InRange(min = 1) OptionalInt maxLength,
        boolean disableDropout,
        @Valid TrainingConfig training)
        implements ClassifyConfigCopies, CrossChecked, RunConfig {
    public ClassifyConfig {
        id2label = List.copyOf(id2label);
    }

    /// The defaults, as listed at the parameters.
    public static ClassifyConfig defaults() {
        return ClassifyConfigCopies.blank()
                .withMaxLength(512)
                .withTraining(TrainingConfig.of(OptimizerConfig.defaults()));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        List<ConfigProblem> problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        if (data.streaming() && id2label.isEmpty()) {
            problems.add(
                    new ConfigProblem(
                            "id2label", id2label, "the labels' names, since rows are streamed"));
        }
        return problems;
    }
}
