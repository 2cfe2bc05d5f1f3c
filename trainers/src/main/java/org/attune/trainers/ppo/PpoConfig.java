package org.attune.trainers.ppo;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Positive;

import org.attune.api.Api;
import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.onpolicy.AgentConfig;
import org.attune.trainers.onpolicy.CompletionLogConfig;
import org.attune.trainers.onpolicy.HeldOutConfig;
import org.attune.trainers.onpolicy.LagConfig;
import org.attune.trainers.onpolicy.Rewards;
import org.attune.trainers.onpolicy.RolloutReferenceConfig;
import org.attune.trainers.onpolicy.RolloutRun;
import org.attune.trainers.onpolicy.RolloutSourceConfig;
import org.attune.trainers.onpolicy.Sampling;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/// A run of proximal policy optimisation. `PpoConfig.defaults()` has TRL's defaults; model, data,
/// rewards and output folder must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data prompts
/// @param maxCompletionLength most tokens of a completion, TRL's `response_length`; ≥ 1
/// @param sampling how completions are generated, one for each prompt
/// @param stop what ends a completion, and what it costs not to end
/// @param rollouts where completions come from, and where they are kept
/// @param lag whether completions are written ahead of the updates that learn from them
/// @param agent tools and environments, with which completions are episodes
/// @param rewards what judges completions; the last weight is of the model of `reward_model_path`
/// @param rewardModelPath folder of one more reward model
/// @param updates how an update's completions are used
/// @param loss objective and advantages
/// @param kl pull to the reference
/// @param critic what estimates values
/// @param reference reference, where `kl_coef` > 0
/// @param heldOut how held-out prompts are completed
/// @param completionLog what is shown and kept of completions
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record PpoConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Positive(message = "a whole number >= 1") int maxCompletionLength,
        @Valid Sampling sampling,
        @Valid StopConfig stop,
        @Valid RolloutSourceConfig rollouts,
        @Valid LagConfig lag,
        @Valid AgentConfig agent,
        @Valid Rewards rewards,
        Optional<String> rewardModelPath,
        @Valid PpoBatchConfig updates,
        @Valid PpoLossConfig loss,
        @Valid PpoKlConfig kl,
        @Valid ValueModelConfig critic,
        @Valid RolloutReferenceConfig reference,
        @Valid HeldOutConfig heldOut,
        @Valid CompletionLogConfig completionLog,
        @Valid TrainingConfig training)
        implements PpoConfigCopies, CrossChecked, RolloutRun {
    /// The defaults, as listed at the parameters.
    public static PpoConfig defaults() {
        return PpoConfigCopies.blank()
                .withMaxCompletionLength(53)
                .withSampling(s -> s.withTemperature(0.7))
                .withData(DataConfig.defaults().withShuffleDataset(true))
                .withTraining(TrainingConfig.of(OptimizerConfig.ppo()));
    }

    @Override
    public String method() {
        return "ppo";
    }

    @Override
    public List<Object> judges() {
        var all = new ArrayList<>(rewards.rewardFuncs());
        rewardModelPath.ifPresent(path -> all.add(Map.of("model", path)));
        return all;
    }

    @Override
    public String rewardPlace(int number) {
        return number < rewards.rewardFuncs().size()
                ? RolloutRun.super.rewardPlace(number)
                : "reward_model_path";
    }

    @Override
    public Optional<Set<Integer>> stopIds() {
        return stop.ids();
    }

    /// Prompts that the run takes, where its length is given.
    @Override
    public OptionalLong rowsOfRun() {
        return updates.totalEpisodes().isPresent()
                ? updates.totalEpisodes()
                : RolloutRun.super.rowsOfRun();
    }

    /// Completions of an update.
    public int completionsPerUpdate() {
        return training.batch().rowsOfStep();
    }

    /// Whether the policy is trained through an adapter.
    public boolean trainsAdapter() {
        return lora.usePeft() || model.adapterNameOrPath().isPresent();
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(TrainingConfig.needsNoNoise(training));
        problems.addAll(reference.asReference().problems(model, lora));
        problems.addAll(reference.needsCoefficient("kl_coef", kl.klCoef()));
        if (completionsPerUpdate() % updates.numMiniBatches() != 0) {
            problems.add(
                    new ConfigProblem(
                            "num_mini_batches",
                            updates.numMiniBatches(),
                            "a divisor of the completions of an update,"
                                    + " per_device_train_batch_size x gradient_accumulation_steps"
                                    + " x logical_devices = "
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
        if (lora.lisaNLayers().isPresent()) {
            problems.add(
                    new ConfigProblem(
                            "lisa_n_layers",
                            lora.lisaNLayers().getAsInt(),
                            "none in PPO, whose update may be taken back, and whose critic would"
                                    + " need draws too; unfrozen_parameters says once what"
                                    + " learns"));
        }
        if (training.optimizer().averages()) {
            problems.add(
                    new ConfigProblem(
                            "optim",
                            training.optimizer().optim(),
                            "another optimizer than a schedule-free one in PPO, whose update may"
                                    + " be taken back"));
        }
        problems.addAll(rewardProblems());
        problems.addAll(sourceProblems());
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
}
