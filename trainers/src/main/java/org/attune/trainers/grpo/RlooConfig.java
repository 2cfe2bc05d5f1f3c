package org.attune.trainers.grpo;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Positive;

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
import org.attune.trainers.onpolicy.HeldOutConfig;
import org.attune.trainers.onpolicy.LagConfig;
import org.attune.trainers.onpolicy.Rewards;
import org.attune.trainers.onpolicy.RolloutReferenceConfig;
import org.attune.trainers.onpolicy.RolloutSourceConfig;
import org.attune.trainers.onpolicy.RoundConfig;
import org.attune.trainers.onpolicy.Sampling;

import java.util.List;

/// A run of REINFORCE with a leave-one-out baseline
/// ([Ahmadian et al. 2024](https://arxiv.org/abs/2402.14740)). `RlooConfig.defaults()` has TRL's
/// defaults; model, data, rewards and output folder must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data prompts
/// @param numGenerations completions of a prompt, a group; ≥ 2
/// @param maxCompletionLength most tokens of a completion; ≥ 1
/// @param sampling how their tokens are chosen
/// @param rounds how many completions a round has, and how it is used
/// @param rollouts where completions come from, and where they are kept
/// @param lag whether completions are written ahead of the steps that learn from them
/// @param agent tools and environments, with which completions are episodes
/// @param rewards what judges completions
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
        @Min(value = 2, message = "a whole number >= 2") int numGenerations,
        @Positive(message = "a whole number >= 1") int maxCompletionLength,
        @Valid Sampling sampling,
        @Valid RoundConfig rounds,
        @Valid RolloutSourceConfig rollouts,
        @Valid LagConfig lag,
        @Valid AgentConfig agent,
        @Valid Rewards rewards,
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
                .withNumGenerations(2)
                .withMaxCompletionLength(512)
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
    public boolean keepsSamplingMask() {
        return loss.keepSamplingMask();
    }

    @Override
    public boolean disableDropout() {
        return loss.disableDropout();
    }

    @Override
    public RlooConfig fitted(TrainingConfig fitted, int slots, boolean reuses) {
        return withTraining(fitted)
                .withSampling(s -> s.withGenerationSlots(slots))
                .withRounds(r -> r.withReuseRolloutActivations(reuses));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        return GroupChecks.problems(this);
    }
}
