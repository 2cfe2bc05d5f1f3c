package org.attune.trainers.grpo;

import jakarta.validation.Valid;

import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.onpolicy.CompletionLogConfig;
import org.attune.trainers.onpolicy.GenerationConfig;
import org.attune.trainers.onpolicy.HeldOutConfig;
import org.attune.trainers.onpolicy.RewardConfig;
import org.attune.trainers.onpolicy.RolloutReferenceConfig;
import org.attune.trainers.onpolicy.RolloutRun;
import org.attune.trainers.onpolicy.RolloutSourceConfig;

import java.util.ArrayList;
import java.util.List;

/// A run of group-relative policy optimisation. `GrpoConfig.defaults()` has TRL's defaults;
/// model,
/// data, rewards and output folder must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data prompts
/// @param generation how completions are generated
/// @param rollouts where completions come from, and where they are kept
/// @param rewards rewards
/// @param loss objective
/// @param reference reference, where β > 0
/// @param heldOut how held-out prompts are completed
/// @param completionLog what is shown and kept of completions
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@CopyMethods
public record GrpoConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid GenerationConfig generation,
        @Valid RolloutSourceConfig rollouts,
        @Valid RewardConfig rewards,
        @Valid GrpoLossConfig loss,
        @Valid RolloutReferenceConfig reference,
        @Valid HeldOutConfig heldOut,
        @Valid CompletionLogConfig completionLog,
        @Valid TrainingConfig training)
        implements GrpoConfigCopies, CrossChecked, RolloutRun {
    /// The defaults, as listed at the parameters.
    public static GrpoConfig defaults() {
        return GrpoConfigCopies.blank()
                .withData(DataConfig.defaults().withShuffleDataset(true))
                .withTraining(TrainingConfig.of(OptimizerConfig.dpo()));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        problems.addAll(TrainingConfig.needsNoNoise(training));
        problems.addAll(reference.asReference().problems(model, lora));
        problems.addAll(reference.needsCoefficient("beta", loss.beta()));
        int rows = training.batch().perDeviceTrainBatchSize();
        int completions = rows * microBatchesPerRound();
        if (generation.generationBatchSize().isPresent()
                && generation.generationBatchSize().getAsInt() != completions) {
            problems.add(
                    new ConfigProblem(
                            "generation_batch_size",
                            generation.generationBatchSize().getAsInt(),
                            "a multiple of per_device_train_batch_size (" + rows + ")"));
        } else if (completions % generation.numGenerations() != 0) {
            problems.add(
                    new ConfigProblem(
                            "num_generations",
                            generation.numGenerations(),
                            "a divisor of the completions of a round, per_device_train_batch_size"
                                    + " x steps_per_generation = "
                                    + completions));
        }
        problems.addAll(rewardProblems());
        return problems;
    }
}
