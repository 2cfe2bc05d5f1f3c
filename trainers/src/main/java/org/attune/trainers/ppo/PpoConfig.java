package org.attune.trainers.ppo;

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
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/// A run of proximal policy optimisation. `PpoConfig.defaults()` has TRL's defaults; model, data,
/// rewards and output folder must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data prompts
/// @param sampling how completions are generated
/// @param rollouts where completions come from, and where they are kept
/// @param judging rewards
/// @param updates how an update's completions are used
/// @param loss objective and advantages
/// @param kl pull to the reference
/// @param critic what estimates values
/// @param reference reference, where `kl_coef` > 0
/// @param heldOut how held-out prompts are completed
/// @param completionLog what is shown and kept of completions
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
public record PpoConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid PpoSamplingConfig sampling,
        @Valid RolloutSourceConfig rollouts,
        @Valid PpoRewardConfig judging,
        @Valid PpoBatchConfig updates,
        @Valid PpoLossConfig loss,
        @Valid PpoKlConfig kl,
        @Valid ValueModelConfig critic,
        @Valid RolloutReferenceConfig reference,
        @Valid HeldOutConfig heldOut,
        @Valid CompletionLogConfig completionLog,
        @Valid TrainingConfig training)
        implements CrossChecked, RolloutRun {
    /// The defaults, as listed at the parameters.
    public static PpoConfig defaults() {
        return new PpoConfig(
                ModelConfig.defaults(),
                LoraSettings.defaults(),
                DataConfig.defaults().withShuffleDataset(true),
                PpoSamplingConfig.defaults(),
                RolloutSourceConfig.defaults(),
                PpoRewardConfig.defaults(),
                PpoBatchConfig.defaults(),
                PpoLossConfig.defaults(),
                PpoKlConfig.defaults(),
                ValueModelConfig.defaults(),
                RolloutReferenceConfig.defaults(),
                HeldOutConfig.defaults(),
                CompletionLogConfig.defaults(),
                TrainingConfig.of(OptimizerConfig.ppo()));
    }

    @Override
    public GenerationConfig generation() {
        return sampling.asGeneration();
    }

    @Override
    public RewardConfig rewards() {
        return judging.asRewards();
    }

    @Override
    public String rewardPlace(int number) {
        return number < judging.rewardFuncs().size()
                ? RolloutRun.super.rewardPlace(number)
                : "reward_model_path";
    }

    @Override
    public Optional<Set<Integer>> stopIds() {
        if (sampling.stopTokenId().isPresent()) {
            return Optional.of(Set.of(sampling.stopTokenId().getAsInt()));
        }
        return sampling.stopToken() == StopToken.EOS ? Optional.empty() : Optional.of(Set.of());
    }

    /// Completions of an update.
    public int completionsPerUpdate() {
        return training.batch().perDeviceTrainBatchSize()
                * training.batch().gradientAccumulationSteps();
    }

    /// What scores for the reference: the configured kind, or the default for this kind of run.
    public ReferenceKind referenceKind() {
        return reference.asReference().kind(model, lora);
    }

    /// Whether the policy is trained through an adapter.
    public boolean trainsAdapter() {
        return lora.usePeft() || model.adapterNameOrPath().isPresent();
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(reference.asReference().problems(model, lora));
        if (completionsPerUpdate() % updates.numMiniBatches() != 0) {
            problems.add(
                    new ConfigProblem(
                            "num_mini_batches",
                            updates.numMiniBatches(),
                            "a divisor of the completions of an update,"
                                    + " per_device_train_batch_size x gradient_accumulation_steps"
                                    + " = "
                                    + completionsPerUpdate()));
        }
        if (training.optimizer().optimizerInBwd()) {
            problems.add(
                    new ConfigProblem(
                            "optimizer_in_bwd",
                            true,
                            "false in PPO, where an update waits for the gradients of policy and"
                                    + " critic"));
        }
        problems.addAll(rewardProblems());
        problems.addAll(criticProblems());
        return problems;
    }

    private List<ConfigProblem> criticProblems() {
        var problems = new ArrayList<ConfigProblem>();
        ValueModelKind kind = critic.valueModel();
        if (kind == ValueModelKind.LORA && !trainsAdapter()) {
            problems.add(
                    new ConfigProblem(
                            "value_model",
                            kind,
                            "separate or head where the whole policy is trained (use_peft: false):"
                                    + " an adapter of the critic's needs weights that stay"));
        }
        if (kind == ValueModelKind.HEAD && loss.trlCompat()) {
            problems.add(
                    new ConfigProblem(
                            "value_model",
                            kind,
                            "separate or lora where trl_compat is true: TRL's critic is a network"
                                    + " of its own"));
        }
        if (kind == ValueModelKind.HEAD && critic.valueModelPath().isPresent()) {
            problems.add(
                    new ConfigProblem(
                            "value_model_path",
                            critic.valueModelPath().get(),
                            "unset where value_model is head, which is drawn afresh"));
        }
        return problems;
    }

    public PpoConfig withModel(ModelConfig model) {
        return new PpoConfig(
                model,
                lora,
                data,
                sampling,
                rollouts,
                judging,
                updates,
                loss,
                kl,
                critic,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withModel(x -> x.with…(…))`.
    public PpoConfig withModel(UnaryOperator<ModelConfig> change) {
        return withModel(change.apply(model));
    }

    public PpoConfig withLora(LoraSettings lora) {
        return new PpoConfig(
                model,
                lora,
                data,
                sampling,
                rollouts,
                judging,
                updates,
                loss,
                kl,
                critic,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withLora(x -> x.with…(…))`.
    public PpoConfig withLora(UnaryOperator<LoraSettings> change) {
        return withLora(change.apply(lora));
    }

    public PpoConfig withData(DataConfig data) {
        return new PpoConfig(
                model,
                lora,
                data,
                sampling,
                rollouts,
                judging,
                updates,
                loss,
                kl,
                critic,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withData(x -> x.with…(…))`.
    public PpoConfig withData(UnaryOperator<DataConfig> change) {
        return withData(change.apply(data));
    }

    public PpoConfig withSampling(PpoSamplingConfig sampling) {
        return new PpoConfig(
                model,
                lora,
                data,
                sampling,
                rollouts,
                judging,
                updates,
                loss,
                kl,
                critic,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withSampling(x -> x.with…(…))`.
    public PpoConfig withSampling(UnaryOperator<PpoSamplingConfig> change) {
        return withSampling(change.apply(sampling));
    }

    public PpoConfig withRollouts(RolloutSourceConfig rollouts) {
        return new PpoConfig(
                model,
                lora,
                data,
                sampling,
                rollouts,
                judging,
                updates,
                loss,
                kl,
                critic,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withRollouts(x -> x.with…(…))`.
    public PpoConfig withRollouts(UnaryOperator<RolloutSourceConfig> change) {
        return withRollouts(change.apply(rollouts));
    }

    public PpoConfig withJudging(PpoRewardConfig judging) {
        return new PpoConfig(
                model,
                lora,
                data,
                sampling,
                rollouts,
                judging,
                updates,
                loss,
                kl,
                critic,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withJudging(x -> x.with…(…))`.
    public PpoConfig withJudging(UnaryOperator<PpoRewardConfig> change) {
        return withJudging(change.apply(judging));
    }

    public PpoConfig withUpdates(PpoBatchConfig updates) {
        return new PpoConfig(
                model,
                lora,
                data,
                sampling,
                rollouts,
                judging,
                updates,
                loss,
                kl,
                critic,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withUpdates(x -> x.with…(…))`.
    public PpoConfig withUpdates(UnaryOperator<PpoBatchConfig> change) {
        return withUpdates(change.apply(updates));
    }

    public PpoConfig withLoss(PpoLossConfig loss) {
        return new PpoConfig(
                model,
                lora,
                data,
                sampling,
                rollouts,
                judging,
                updates,
                loss,
                kl,
                critic,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withLoss(x -> x.with…(…))`.
    public PpoConfig withLoss(UnaryOperator<PpoLossConfig> change) {
        return withLoss(change.apply(loss));
    }

    public PpoConfig withKl(PpoKlConfig kl) {
        return new PpoConfig(
                model,
                lora,
                data,
                sampling,
                rollouts,
                judging,
                updates,
                loss,
                kl,
                critic,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withKl(x -> x.with…(…))`.
    public PpoConfig withKl(UnaryOperator<PpoKlConfig> change) {
        return withKl(change.apply(kl));
    }

    public PpoConfig withCritic(ValueModelConfig critic) {
        return new PpoConfig(
                model,
                lora,
                data,
                sampling,
                rollouts,
                judging,
                updates,
                loss,
                kl,
                critic,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withCritic(x -> x.with…(…))`.
    public PpoConfig withCritic(UnaryOperator<ValueModelConfig> change) {
        return withCritic(change.apply(critic));
    }

    public PpoConfig withReference(RolloutReferenceConfig reference) {
        return new PpoConfig(
                model,
                lora,
                data,
                sampling,
                rollouts,
                judging,
                updates,
                loss,
                kl,
                critic,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withReference(x -> x.with…(…))`.
    public PpoConfig withReference(UnaryOperator<RolloutReferenceConfig> change) {
        return withReference(change.apply(reference));
    }

    public PpoConfig withHeldOut(HeldOutConfig heldOut) {
        return new PpoConfig(
                model,
                lora,
                data,
                sampling,
                rollouts,
                judging,
                updates,
                loss,
                kl,
                critic,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withHeldOut(x -> x.with…(…))`.
    public PpoConfig withHeldOut(UnaryOperator<HeldOutConfig> change) {
        return withHeldOut(change.apply(heldOut));
    }

    public PpoConfig withCompletionLog(CompletionLogConfig completionLog) {
        return new PpoConfig(
                model,
                lora,
                data,
                sampling,
                rollouts,
                judging,
                updates,
                loss,
                kl,
                critic,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withCompletionLog(x -> x.with…(…))`.
    public PpoConfig withCompletionLog(UnaryOperator<CompletionLogConfig> change) {
        return withCompletionLog(change.apply(completionLog));
    }

    public PpoConfig withTraining(TrainingConfig training) {
        return new PpoConfig(
                model,
                lora,
                data,
                sampling,
                rollouts,
                judging,
                updates,
                loss,
                kl,
                critic,
                reference,
                heldOut,
                completionLog,
                training);
    }

    /// Changes a part: `withTraining(x -> x.with…(…))`.
    public PpoConfig withTraining(UnaryOperator<TrainingConfig> change) {
        return withTraining(change.apply(training));
    }
}
