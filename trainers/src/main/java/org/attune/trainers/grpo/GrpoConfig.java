package org.attune.trainers.grpo;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;
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

import java.util.ArrayList;
import java.util.List;

/// A run of group-relative policy optimisation. `GrpoConfig.defaults()` has TRL's defaults;
/// model, data, rewards and output folder must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data prompts
/// @param numGenerations completions of a prompt, a group; ≥ 2, with `a2po` ≥ 1
/// @param maxCompletionLength most tokens of a completion; ≥ 1
/// @param sampling how their tokens are chosen
/// @param rounds how many completions a round has, and how it is used
/// @param rollouts where completions come from, and where they are kept
/// @param lag whether completions are written ahead of the steps that learn from them
/// @param agent tools and environments, with which completions are episodes
/// @param rewards what judges completions
/// @param credit to what of an episode of several turns rewards are credited
/// @param loss objective
/// @param entropy what is done about the policy's entropy
/// @param covariance tokens that `clip_cov` and `kl_cov` treat apart
/// @param divergence how `dppo` and `fipo` read how far the policy has moved
/// @param sampler how completions of another sampler are weighted
/// @param refill whether further prompts are completed until groups differ
/// @param replay whether groups of earlier rounds take the place of those that don't
/// @param reference reference, where β > 0
/// @param heldOut how held-out prompts are completed
/// @param completionLog what is shown and kept of completions
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record GrpoConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @Positive(message = "a whole number >= 1") int numGenerations,
        @Positive(message = "a whole number >= 1") int maxCompletionLength,
        @Valid Sampling sampling,
        @Valid RoundConfig rounds,
        @Valid RolloutSourceConfig rollouts,
        @Valid LagConfig lag,
        @Valid AgentConfig agent,
        @Valid Rewards rewards,
        @Valid CreditConfig credit,
        @Valid GrpoLossConfig loss,
        @Valid EntropyConfig entropy,
        @Valid CovarianceConfig covariance,
        @Valid DivergenceConfig divergence,
        @Valid SamplerCorrection sampler,
        @Valid RefillConfig refill,
        @Valid ReplayConfig replay,
        @Valid RolloutReferenceConfig reference,
        @Valid HeldOutConfig heldOut,
        @Valid CompletionLogConfig completionLog,
        @Valid TrainingConfig training)
        implements GrpoConfigCopies, CrossChecked, GroupRun {
    /// The defaults, as listed at the parameters.
    public static GrpoConfig defaults() {
        return GrpoConfigCopies.blank()
                .withNumGenerations(8)
                .withMaxCompletionLength(512)
                .withData(DataConfig.defaults().withShuffleDataset(true))
                .withTraining(TrainingConfig.of(OptimizerConfig.dpo()));
    }

    @Override
    public String method() {
        return "grpo";
    }

    @Override
    public boolean replays() {
        return replay.replayBufferSize() > 0;
    }

    @Override
    public double beta() {
        return loss.lossType() == GrpoLossType.A2PO ? loss.beta2() : loss.beta();
    }

    @Override
    public boolean keepsSamplingMask() {
        return loss.keepSamplingMask();
    }

    @Override
    public boolean tellsRoles() {
        return credit.credit() == Credit.ROLES;
    }

    @Override
    public boolean disableDropout() {
        return loss.disableDropout();
    }

    @Override
    public GrpoConfig fitted(TrainingConfig fitted, int slots, boolean reuses) {
        return withTraining(fitted)
                .withSampling(s -> s.withGenerationSlots(slots))
                .withRounds(r -> r.withReuseRolloutActivations(reuses));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(GroupChecks.problems(this));
        problems.addAll(GroupChecks.lossProblems(this));
        return problems;
    }
}
