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
import java.util.OptionalInt;

/// A run that trains a reranker: a model with one score for a query with a document,
/// sentence-transformers' `CrossEncoder`. `RerankConfig.defaults()` has the defaults; model, data
/// and output folder must be given.
///
/// @param model a reranker to train on, or a causal language model, which gets a score head
/// @param lora adapter
/// @param data queries with documents
/// @param lossType what is learnt of a query's documents
/// @param maxLength tokens of a query with a document; what is beyond is cut off. Empty: nothing is
/// @param disableDropout whether the adapter's dropout is off
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record RerankConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        RankingLossType lossType,
        @InRange(min = 1) OptionalInt maxLength,
        boolean disableDropout,
        @Valid TrainingConfig training)
        implements RerankConfigCopies, CrossChecked, RunConfig {
    /// The defaults, as listed at the parameters.
    public static RerankConfig defaults() {
        return RerankConfigCopies.blank()
                .withLossType(RankingLossType.POINTWISE)
                .withMaxLength(512)
                .withTraining(TrainingConfig.of(OptimizerConfig.defaults()));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        List<ConfigProblem> problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        return problems;
    }
}
