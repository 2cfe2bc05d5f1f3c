package org.attune.trainers.scoring;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;

import org.attune.api.Api;
import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.config.TrainingConfig;

import java.util.ArrayList;
import java.util.List;

/// A run of reward modelling, TRL's `RewardConfig`. `RewardTrainerConfig.defaults()` has TRL's
/// defaults; model, data and output folder must be given.
///
/// @param model a reward model to train on, or a causal language model, which gets a score head
/// @param lora adapter
/// @param data preference pairs
/// @param loss objective
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record RewardTrainerConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid RewardLossConfig loss,
        @Valid TrainingConfig training)
        implements RewardTrainerConfigCopies, CrossChecked, RunConfig {
    /// The defaults, as listed at the parameters.
    public static RewardTrainerConfig defaults() {
        return RewardTrainerConfigCopies.blank()
                .withTraining(TrainingConfig.of(OptimizerConfig.reward()));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        return problems;
    }
}
