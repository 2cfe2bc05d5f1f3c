package org.attune.trainers.grpo;

import jakarta.validation.Valid;

import org.attune.models.ModelConfig;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.ReferenceKind;
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
import java.util.function.UnaryOperator;

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
        implements CrossChecked, RolloutRun {
    /// The defaults, as listed at the parameters.
    public static GrpoConfig defaults() {
        return new GrpoConfig(
                ModelConfig.defaults(),
                LoraSettings.defaults(),
                DataConfig.defaults().withShuffleDataset(true),
                GenerationConfig.defaults(),
                RolloutSourceConfig.defaults(),
                RewardConfig.defaults(),
                GrpoLossConfig.defaults(),
                RolloutReferenceConfig.defaults(),
                HeldOutConfig.defaults(),
                CompletionLogConfig.defaults(),
                TrainingConfig.of(OptimizerConfig.dpo()));
    }

    /// What scores for the reference: the configured kind, or the default for this kind of run.
    public ReferenceKind referenceKind() {
        return reference.asReference().kind(model, lora);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        problems.addAll(reference.asReference().problems(model, lora));
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

    public GrpoConfig withModel(ModelConfig model) {
        return new GrpoConfig(
                model,
                lora,
                data,
                generation,
                rollouts,
                rewards,
                loss,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withModel(x -> x.with…(…))`.
    public GrpoConfig withModel(UnaryOperator<ModelConfig> change) {
        return withModel(change.apply(model));
    }

    public GrpoConfig withLora(LoraSettings lora) {
        return new GrpoConfig(
                model,
                lora,
                data,
                generation,
                rollouts,
                rewards,
                loss,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withLora(x -> x.with…(…))`.
    public GrpoConfig withLora(UnaryOperator<LoraSettings> change) {
        return withLora(change.apply(lora));
    }

    public GrpoConfig withData(DataConfig data) {
        return new GrpoConfig(
                model,
                lora,
                data,
                generation,
                rollouts,
                rewards,
                loss,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withData(x -> x.with…(…))`.
    public GrpoConfig withData(UnaryOperator<DataConfig> change) {
        return withData(change.apply(data));
    }

    public GrpoConfig withGeneration(GenerationConfig generation) {
        return new GrpoConfig(
                model,
                lora,
                data,
                generation,
                rollouts,
                rewards,
                loss,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withGeneration(x -> x.with…(…))`.
    public GrpoConfig withGeneration(UnaryOperator<GenerationConfig> change) {
        return withGeneration(change.apply(generation));
    }

    public GrpoConfig withRollouts(RolloutSourceConfig rollouts) {
        return new GrpoConfig(
                model,
                lora,
                data,
                generation,
                rollouts,
                rewards,
                loss,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withRollouts(x -> x.with…(…))`.
    public GrpoConfig withRollouts(UnaryOperator<RolloutSourceConfig> change) {
        return withRollouts(change.apply(rollouts));
    }

    public GrpoConfig withRewards(RewardConfig rewards) {
        return new GrpoConfig(
                model,
                lora,
                data,
                generation,
                rollouts,
                rewards,
                loss,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withRewards(x -> x.with…(…))`.
    public GrpoConfig withRewards(UnaryOperator<RewardConfig> change) {
        return withRewards(change.apply(rewards));
    }

    public GrpoConfig withLoss(GrpoLossConfig loss) {
        return new GrpoConfig(
                model,
                lora,
                data,
                generation,
                rollouts,
                rewards,
                loss,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withLoss(x -> x.with…(…))`.
    public GrpoConfig withLoss(UnaryOperator<GrpoLossConfig> change) {
        return withLoss(change.apply(loss));
    }

    public GrpoConfig withReference(RolloutReferenceConfig reference) {
        return new GrpoConfig(
                model,
                lora,
                data,
                generation,
                rollouts,
                rewards,
                loss,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withReference(x -> x.with…(…))`.
    public GrpoConfig withReference(UnaryOperator<RolloutReferenceConfig> change) {
        return withReference(change.apply(reference));
    }

    public GrpoConfig withHeldOut(HeldOutConfig heldOut) {
        return new GrpoConfig(
                model,
                lora,
                data,
                generation,
                rollouts,
                rewards,
                loss,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withHeldOut(x -> x.with…(…))`.
    public GrpoConfig withHeldOut(UnaryOperator<HeldOutConfig> change) {
        return withHeldOut(change.apply(heldOut));
    }

    public GrpoConfig withCompletionLog(CompletionLogConfig completionLog) {
        return new GrpoConfig(
                model,
                lora,
                data,
                generation,
                rollouts,
                rewards,
                loss,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withCompletionLog(x -> x.with…(…))`.
    public GrpoConfig withCompletionLog(UnaryOperator<CompletionLogConfig> change) {
        return withCompletionLog(change.apply(completionLog));
    }

    public GrpoConfig withTraining(TrainingConfig training) {
        return new GrpoConfig(
                model,
                lora,
                data,
                generation,
                rollouts,
                rewards,
                loss,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withTraining(x -> x.with…(…))`.
    public GrpoConfig withTraining(UnaryOperator<TrainingConfig> change) {
        return withTraining(change.apply(training));
    }
}
