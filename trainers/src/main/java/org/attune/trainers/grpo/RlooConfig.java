package org.attune.trainers.grpo;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;

import org.attune.api.Api;
import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.onpolicy.AgentConfig;
import org.attune.trainers.onpolicy.CompletionLogConfig;
import org.attune.trainers.onpolicy.GenerationConfig;
import org.attune.trainers.onpolicy.HeldOutConfig;
import org.attune.trainers.onpolicy.LagConfig;
import org.attune.trainers.onpolicy.RewardConfig;
import org.attune.trainers.onpolicy.RolloutReferenceConfig;
import org.attune.trainers.onpolicy.RolloutSourceConfig;

import java.util.List;

/// A run of REINFORCE with a leave-one-out baseline
/// ([Ahmadian et al. 2024](https://arxiv.org/abs/2402.14740)). `RlooConfig.defaults()` has TRL's
/// defaults; model, data, rewards and output folder must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data prompts
/// @param generation how completions are generated
/// @param rollouts where completions come from, and where they are kept
/// @param lag whether completions are written ahead of the steps that learn from them
/// @param agent tools and environments, with which completions are episodes
/// @param judging rewards
/// @param loss objective
/// @param refill whether further prompts are completed until groups differ
/// @param reference reference, where β > 0
/// @param heldOut how held-out prompts are completed
/// @param completionLog what is shown and kept of completions
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record RlooConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Valid GenerationConfig generation,
        @Valid RolloutSourceConfig rollouts,
        @Valid LagConfig lag,
        @Valid AgentConfig agent,
        @Valid RlooRewardConfig judging,
        @Valid RlooLossConfig loss,
        @Valid RefillConfig refill,
        @Valid RolloutReferenceConfig reference,
        @Valid HeldOutConfig heldOut,
        @Valid CompletionLogConfig completionLog,
        @Valid TrainingConfig training)
        implements RlooConfigCopies, CrossChecked, GroupRun {
    /// The defaults, as listed at the parameters.
    public static RlooConfig defaults() {
        return RlooConfigCopies.blank()
                .withGeneration(g -> g.withNumGenerations(2))
                .withData(DataConfig.defaults().withShuffleDataset(true))
                .withTraining(TrainingConfig.of(OptimizerConfig.dpo()));
    }

    @Override
    public String method() {
        return "rloo";
    }

    @Override
    public boolean replays() {
        return false;
    }

    @Override
    public double beta() {
        return loss.beta();
    }

    @Override
    public boolean disableDropout() {
        return loss.disableDropout();
    }

    @Override
    public RewardConfig rewards() {
        return judging.asRewards();
    }

    @Override
    public RlooConfig fitted(TrainingConfig fitted, int slots, boolean reuses) {
        return withTraining(fitted)
                .withGeneration(
                        g -> g.withGenerationSlots(slots).withReuseRolloutActivations(reuses));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        return GroupChecks.problems(this);
    }
}
