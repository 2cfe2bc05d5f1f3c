package org.attune.trainers.grpo;

import org.attune.reward.Advantages;
import org.attune.trainers.config.ConfigNames;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Settings of a run on groups that don't go together.
final class GroupChecks {
    private GroupChecks() {}

    /// Settings that don't go together in any method on groups.
    static List<ConfigProblem> problems(GroupRun run) {
        var problems = new ArrayList<>(EvalConfig.needsRows(run.training().eval(), run.data()));
        problems.addAll(OptimizerConfig.needsAllWeights(run.training(), run.lora(), run.model()));
        problems.addAll(TrainingConfig.needsNoNoise(run.training()));
        problems.addAll(run.reference().asReference().problems(run.model(), run.lora()));
        problems.addAll(run.reference().needsCoefficient("beta", run.beta()));
        int rows = run.training().batch().perDeviceTrainBatchSize();
        int completions = rows * run.microBatchesPerRound();
        var batch = run.rounds().generationBatchSize();
        if (batch.isPresent() && batch.getAsInt() != completions) {
            problems.add(
                    new ConfigProblem(
                            "generation_batch_size",
                            batch.getAsInt(),
                            "a multiple of per_device_train_batch_size (" + rows + ")"));
        } else if (completions % run.numGenerations() != 0) {
            problems.add(
                    new ConfigProblem(
                            "num_generations",
                            run.numGenerations(),
                            "a divisor of the completions of a round, per_device_train_batch_size"
                                    + " x steps_per_generation = "
                                    + completions));
        }
        problems.addAll(run.rewardProblems());
        problems.addAll(run.sourceProblems());
        if (run.keepsSamplingMask()) {
            problems.addAll(maskProblems(run));
        }
        if (run.lag().isOn() && run.refill().dynamicSampling()) {
            problems.add(
                    run.lag()
                            .problem(
                                    "dynamic_sampling, which prompts a round has being known only"
                                            + " when the round before is judged"));
        }
        return problems;
    }

    /// Where the tokens that could be drawn aren't known, or probabilities are others for another
    /// reason too.
    private static List<ConfigProblem> maskProblems(GroupRun run) {
        var problems = new ArrayList<ConfigProblem>();
        String key = "keep_sampling_mask";
        if (run.agent().isOn()) {
            problems.add(
                    new ConfigProblem(
                            key,
                            true,
                            "false with tools or environments, whose turns keep no tokens that"
                                    + " could be drawn"));
        }
        if (run.rollouts().isElsewhere()) {
            problems.add(
                    new ConfigProblem(
                            key,
                            true,
                            "false with rollout_server_base_url or recorded_rollouts, which don't"
                                    + " say which tokens could be drawn"));
        }
        if (run.sampling().penalises()) {
            problems.add(
                    new ConfigProblem(
                            key,
                            true,
                            "false with repetition_penalty, presence_penalty or frequency_penalty:"
                                    + " they change the probabilities of the tokens that are"
                                    + " left"));
        }
        return problems;
    }

    /// Settings of GRPO's losses that don't go together.
    static List<ConfigProblem> lossProblems(GrpoConfig run) {
        var problems = new ArrayList<ConfigProblem>();
        GrpoLossConfig loss = run.loss();
        AdvantageBaseline baseline = loss.advantageEstimator();
        if (!baseline.suits(loss)) {
            problems.add(
                    new ConfigProblem(
                            "advantage_estimator",
                            baseline,
                            "group where scale_rewards or multi_objective_aggregation is set: the"
                                    + " others scale in their own way"));
        }
        if (baseline == AdvantageBaseline.REMAX && run.rollouts().recordedRollouts().isPresent()) {
            problems.add(
                    new ConfigProblem(
                            "advantage_estimator",
                            baseline,
                            "another one with recorded_rollouts, which have no greedy completions"
                                    + " to compare with"));
        }
        boolean server = run.rollouts().asksServers();
        if (server
                && run.sampling().temperature() != 1
                && run.sampler().vllmImportanceSamplingCorrection()) {
            problems.add(
                    new ConfigProblem(
                            "vllm_importance_sampling_correction",
                            true,
                            "false with rollout_server_base_url where temperature isn't 1: a server"
                                    + " tells log-probabilities of temperature 1, which say nothing"
                                    + " of how it sampled"));
        }
        problems.addAll(groupProblems(run));
        problems.addAll(movedProblems(run));
        problems.addAll(creditProblems(run));
        problems.addAll(lagProblems(run));
        boolean covariance =
                loss.lossType() == GrpoLossType.CLIP_COV || loss.lossType() == GrpoLossType.KL_COV;
        if (covariance && run.entropy().topEntropyQuantile() < 1) {
            problems.add(
                    new ConfigProblem(
                            "top_entropy_quantile",
                            run.entropy().topEntropyQuantile(),
                            "1 with loss_type clip_cov or kl_cov, which choose their tokens"
                                    + " themselves"));
        }
        problems.addAll(formProblems(run));
        return problems;
    }

    /// Settings that a loss of whole completions can't use, or needs.
    private static List<ConfigProblem> formProblems(GrpoConfig run) {
        var problems = new ArrayList<ConfigProblem>();
        GrpoLossConfig loss = run.loss();
        if (loss.lossType().isOfCompletions()) {
            problems.addAll(wholeProblems(loss, run.entropy()));
        }
        if (loss.lossType() == GrpoLossType.REAL) {
            problems.addAll(labelProblems(run));
        }
        if (loss.lossType() == GrpoLossType.A2PO) {
            problems.addAll(valueProblems(run));
        } else if (run.numGenerations() < 2) {
            problems.add(
                    new ConfigProblem(
                            "num_generations",
                            run.numGenerations(),
                            "a whole number >= 2, as completions of a prompt are compared; 1 with"
                                    + " loss_type a2po"));
        }
        return problems;
    }

    /// What the losses and estimators that look at single tokens' probabilities can't use.
    private static List<ConfigProblem> movedProblems(GrpoConfig run) {
        var problems = new ArrayList<ConfigProblem>();
        GrpoLossConfig loss = run.loss();
        boolean moved =
                loss.lossType() == GrpoLossType.DPPO || loss.lossType() == GrpoLossType.FIPO;
        if (moved && loss.importanceSamplingLevel() != ImportanceSamplingLevel.TOKEN) {
            problems.add(
                    new ConfigProblem(
                            "importance_sampling_level",
                            loss.importanceSamplingLevel(),
                            "token with loss_type dppo or fipo, which read how far single tokens"
                                    + " have moved"));
        }
        if (loss.lossType() == GrpoLossType.FIPO
                && loss.delta().isPresent()
                && loss.delta().getAsDouble() <= 1) {
            problems.add(
                    new ConfigProblem(
                            "delta",
                            loss.delta().getAsDouble(),
                            "a number > 1 with loss_type fipo: tokens whose ratio is above it are"
                                    + " left out of the others' weights"));
        }
        if (run.lag().isOn()
                && loss.advantageEstimator() == AdvantageBaseline.OPTIMAL_TOKEN_BASELINE) {
            problems.add(
                    run.lag()
                            .problem(
                                    "advantage_estimator optimal_token_baseline, which reads"
                                            + " distributions of the weights that wrote"));
        }
        return problems;
    }

    /// What a loss needs for completions of earlier weights.
    private static List<ConfigProblem> lagProblems(GrpoConfig run) {
        var problems = new ArrayList<ConfigProblem>();
        if (run.lag().isOn() && run.loss().lossType() == GrpoLossType.KL_COV) {
            problems.add(
                    run.lag()
                            .problem(
                                    "loss_type kl_cov, which bounds no ratio to the weights that"
                                            + " wrote"));
        }
        if (run.lag().isOn() && run.loss().advantageEstimator() == AdvantageBaseline.REMAX) {
            problems.add(
                    run.lag()
                            .problem(
                                    "advantage_estimator remax, whose greedy completions would be"
                                            + " of other weights than the others"));
        }
        return problems;
    }

    /// Settings that don't go together with credit for turns.
    private static List<ConfigProblem> creditProblems(GrpoConfig run) {
        var problems = new ArrayList<ConfigProblem>();
        if (run.credit().credit() == Credit.EPISODE) {
            if (run.credit().gamma() != 1) {
                problems.add(
                        new ConfigProblem(
                                "gamma",
                                run.credit().gamma(),
                                "1 with credit: episode, which has nothing to discount; set credit:"
                                        + " turns"));
            }
            return problems;
        }
        Credit credit = run.credit().credit();
        String with = " with credit: " + credit.name().toLowerCase(Locale.ROOT);
        if (credit == Credit.ROLES) {
            problems.addAll(roleProblems(run));
        }
        if (!run.agent().isOn() && run.rollouts().recordedRollouts().isEmpty()) {
            problems.add(
                    new ConfigProblem(
                            "credit",
                            credit,
                            "episode in a run without tools and environments, whose completions"
                                    + " have one turn"));
        }
        AdvantageBaseline baseline = run.loss().advantageEstimator();
        if (baseline != AdvantageBaseline.GROUP && baseline != AdvantageBaseline.LEAVE_ONE_OUT) {
            problems.add(
                    new ConfigProblem(
                            "advantage_estimator", baseline, "group or leave_one_out" + with));
        }
        if (run.loss().multiObjectiveAggregation() != Advantages.Aggregation.SUM_THEN_NORMALIZE) {
            problems.add(
                    new ConfigProblem(
                            "multi_objective_aggregation",
                            run.loss().multiObjectiveAggregation(),
                            "sum_then_normalize" + with));
        }
        if (run.loss().lossType().isOfCompletions()) {
            problems.add(
                    new ConfigProblem(
                            "credit",
                            credit,
                            "episode with loss_type gmpo or real, which have one term for all"
                                    + " tokens"));
        }
        return problems;
    }

    /// What reads one reward of an episode.
    private static List<ConfigProblem> roleProblems(GrpoConfig run) {
        var problems = new ArrayList<ConfigProblem>();
        if (run.credit().gamma() != 1) {
            problems.add(
                    new ConfigProblem(
                            "gamma",
                            run.credit().gamma(),
                            "1 with credit: roles, where all tokens of a conversation count"
                                    + " alike"));
        }
        String sums =
                " with credit: roles, since it looks at sums of all roles' rewards, which are"
                        + " equal where one wins what another loses";
        if (run.refill().dynamicSampling()) {
            problems.add(new ConfigProblem("dynamic_sampling", true, "false" + sums));
        }
        if (run.replays()) {
            int kept = run.replay().replayBufferSize();
            problems.add(new ConfigProblem("replay_buffer_size", kept, "0" + sums));
        }
        return problems;
    }

    /// What is done about groups that teach nothing.
    private static List<ConfigProblem> groupProblems(GrpoConfig run) {
        var problems = new ArrayList<ConfigProblem>();
        AdvantageBaseline baseline = run.loss().advantageEstimator();
        boolean alwaysTeaches =
                baseline == AdvantageBaseline.REINFORCE_PLUS_PLUS
                        || baseline == AdvantageBaseline.REMAX;
        String equal =
                " with this advantage_estimator, for which a group of equal rewards teaches as"
                        + " much as others";
        if (run.refill().dynamicSampling() && alwaysTeaches) {
            problems.add(new ConfigProblem("dynamic_sampling", true, "false" + equal));
        }
        int kept = run.replay().replayBufferSize();
        if (run.replays() && alwaysTeaches) {
            problems.add(new ConfigProblem("replay_buffer_size", kept, "0" + equal));
        }
        if (run.replays() && run.reference().asReference().sync().syncRefModel()) {
            problems.add(
                    new ConfigProblem(
                            "replay_buffer_size",
                            kept,
                            "0 with sync_ref_model, since replayed completions have the"
                                    + " log-probabilities of an earlier reference"));
        }
        return problems;
    }

    /// What rewards as labels need.
    private static List<ConfigProblem> labelProblems(GrpoConfig run) {
        var problems = new ArrayList<ConfigProblem>();
        int rows = run.training().batch().rowsOfStep();
        if (rows % run.numGenerations() != 0) {
            problems.add(
                    new ConfigProblem(
                            "num_generations",
                            run.numGenerations(),
                            "a divisor of the completions of a step, "
                                    + rows
                                    + ", with loss_type real, which compares those of a prompt"));
        }
        if (run.loss().advantageEstimator() != AdvantageBaseline.GROUP) {
            problems.add(
                    new ConfigProblem(
                            "advantage_estimator",
                            run.loss().advantageEstimator(),
                            "group with loss_type real, whose labels are better or worse than the"
                                    + " group"));
        }
        problems.addAll(chosenProblems(run, "real"));
        if (run.rollouts().recordedRollouts().isPresent()
                && run.microBatchesPerRound() != run.training().batch().microBatchesOfStep()) {
            problems.add(
                    new ConfigProblem(
                            "recorded_rollouts",
                            run.rollouts().recordedRollouts().get(),
                            "unset with loss_type real where a round is parted among steps: its"
                                    + " order may part a prompt's completions"));
        }
        return problems;
    }

    /// Tokens or groups that are chosen, for which a loss has no place.
    private static List<ConfigProblem> chosenProblems(GrpoConfig run, String type) {
        var problems = new ArrayList<ConfigProblem>();
        if (run.entropy().topEntropyQuantile() < 1) {
            problems.add(
                    new ConfigProblem(
                            "top_entropy_quantile",
                            run.entropy().topEntropyQuantile(),
                            "1 with loss_type " + type + ", which weighs no tokens"));
        }
        if (run.replays()) {
            problems.add(
                    new ConfigProblem(
                            "replay_buffer_size",
                            run.replay().replayBufferSize(),
                            "0 with loss_type " + type));
        }
        return problems;
    }

    /// What a regression to values that the reference was asked for beforehand can't use.
    private static List<ConfigProblem> valueProblems(GrpoConfig run) {
        var problems = new ArrayList<>(chosenProblems(run, "a2po"));
        GrpoLossConfig loss = run.loss();
        Map<String, Object> set = new LinkedHashMap<>(); // what must be as by default
        if (loss.beta() != 0) {
            set.put("beta", loss.beta());
        }
        if (loss.advantageEstimator() != AdvantageBaseline.GROUP) {
            set.put("advantage_estimator", loss.advantageEstimator());
        }
        if (loss.scaleRewards() != Advantages.Scale.GROUP) {
            set.put("scale_rewards", loss.scaleRewards());
        }
        if (loss.multiObjectiveAggregation() != Advantages.Aggregation.SUM_THEN_NORMALIZE) {
            set.put("multi_objective_aggregation", loss.multiObjectiveAggregation());
        }
        if (run.refill().dynamicSampling()) {
            set.put("dynamic_sampling", true);
        }
        if (run.data().streaming()) {
            set.put("streaming", true);
        }
        if (run.reference().asReference().sync().syncRefModel()) {
            set.put("sync_ref_model", true);
        }
        run.reference().refModelNameOrPath().ifPresent(m -> set.put("ref_model_name_or_path", m));
        run.rollouts().recordedRollouts().ifPresent(f -> set.put("recorded_rollouts", f));
        String why =
                "unset with loss_type a2po, which compares a completion with what the start model's"
                    + " own samples of all prompts were rewarded with, and pulls to it by beta2";
        set.forEach((key, value) -> problems.add(new ConfigProblem(key, value, why)));
        if (run.lag().isOn()) {
            problems.add(run.lag().problem("loss_type a2po, which samples all prompts first"));
        }
        return problems;
    }

    /// What a loss of whole completions has no place for.
    private static List<ConfigProblem> wholeProblems(GrpoLossConfig loss, EntropyConfig entropy) {
        var problems = new ArrayList<ConfigProblem>();
        String type = ConfigNames.wireName(loss.lossType());
        String unset = "unset with loss_type " + type + ", whose loss is of whole completions";
        loss.delta().ifPresent(d -> problems.add(new ConfigProblem("delta", d, unset)));
        loss.offPolicyMaskThreshold()
                .ifPresent(
                        d ->
                                problems.add(
                                        new ConfigProblem("off_policy_mask_threshold", d, unset)));
        if (loss.importanceSamplingLevel() != ImportanceSamplingLevel.TOKEN) {
            problems.add(
                    new ConfigProblem(
                            "importance_sampling_level",
                            loss.importanceSamplingLevel(),
                            "token with loss_type " + type + ", which takes their mean itself"));
        }
        if (loss.advantageEstimator().isOfTokens()) {
            problems.add(
                    new ConfigProblem(
                            "advantage_estimator",
                            loss.advantageEstimator(),
                            "another one with loss_type "
                                    + type
                                    + ": it gives each token an advantage of its own"));
        }
        if (entropy.hasBonus()) {
            problems.add(
                    new ConfigProblem(
                            "entropy_coef",
                            entropy.entropyCoef(),
                            "0, without use_adaptive_entropy, with loss_type "
                                    + type
                                    + ", which has no bonus"));
        }
        return problems;
    }
}
