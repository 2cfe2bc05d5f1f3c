package org.attune.trainers.heads;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;

import org.attune.api.Api;
import org.attune.models.ModelConfig;
import org.attune.models.score.PoolingMode;
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

/// A run that trains a model of embeddings, sentence-transformers' `SentenceTransformer`.
/// `EmbedConfig.defaults()` has the defaults; model, data and output folder must be given.
///
/// @param model a causal language model
/// @param lora adapter
/// @param data texts that belong together, or pairs with their similarity
/// @param poolingMode what of the hidden states is the embedding
/// @param scale factor of cosines in InfoNCE: 1 / temperature
/// @param matryoshkaDims leading numbers of embeddings that are learnt to stand alone too; empty:
///     whole embeddings only
/// @param matryoshkaWeights of each of them; empty: 1 each
/// @param maxLength tokens of a text; what is beyond is cut off. Empty: nothing is
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record EmbedConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        PoolingMode poolingMode,
        @InRange(min = 0, minOpen = true) double scale,
        List<@InRange(min = 1) Integer> matryoshkaDims,
        List<@InRange(min = 0) Double> matryoshkaWeights,
        @InRange(min = 1) OptionalInt maxLength,
        @Valid TrainingConfig training)
        implements EmbedConfigCopies, CrossChecked, RunConfig {
    public EmbedConfig {
        matryoshkaDims = List.copyOf(matryoshkaDims);
        matryoshkaWeights = List.copyOf(matryoshkaWeights);
    }

    /// The defaults, as listed at the parameters.
    public static EmbedConfig defaults() {
        return EmbedConfigCopies.blank()
                .withPoolingMode(PoolingMode.LASTTOKEN)
                .withScale(20)
                .withMaxLength(512)
                .withTraining(TrainingConfig.of(OptimizerConfig.defaults()));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        List<ConfigProblem> problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        if (!matryoshkaWeights.isEmpty() && matryoshkaWeights.size() != matryoshkaDims.size()) {
            problems.add(
                    new ConfigProblem(
                            "matryoshka_weights",
                            matryoshkaWeights,
                            "as many numbers as matryoshka_dims has"));
        }
        return problems;
    }
}
