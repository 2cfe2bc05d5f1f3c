package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.reward.Advantages;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.DataConfig;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/// Settings that don't go together, by the key that is named.
class GroupChecksTest {
    private static GrpoConfig valid() {
        return GrpoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("m"))
                .withData(_ -> DataConfig.of("data.jsonl"))
                .withRewards(r -> r.withRewardFuncs(List.of("exact_answer")))
                .withTraining(t -> t.withSave(s -> s.withOutputDir(Path.of("out"))));
    }

    private static List<String> keys(Record config) {
        return ConfigCheck.problems(config).stream().map(ConfigProblem::key).toList();
    }

    @Test
    void defaultsGoTogether() {
        assertEquals(List.of(), keys(valid()));
    }

    @Test
    void aLagNeedsABoundedRatioAndAWriterInTheRun() {
        UnaryOperator<GrpoConfig> lag = c -> c.withLag(l -> l.withRolloutLag(1));
        assertEquals(List.of(), keys(lag.apply(valid())));
        List<UnaryOperator<GrpoConfig>> wrong =
                List.of(
                        c -> c.withLoss(l -> l.withLossType(GrpoLossType.KL_COV)),
                        c -> c.withLoss(l -> l.withAdvantageEstimator(AdvantageBaseline.REMAX)),
                        c -> c.withRefill(r -> r.withDynamicSampling(true)),
                        c ->
                                c.withRollouts(
                                        r ->
                                                r.withRolloutServerBaseUrl(
                                                        List.of("http://localhost:8000/v1"))),
                        c -> c.withRollouts(r -> r.withRecordedRollouts(Path.of("rounds.jsonl"))),
                        c -> c.withLag(l -> l.withRolloutLag(0).withRolloutRanks(1)));
        for (UnaryOperator<GrpoConfig> change : wrong) {
            assertEquals(List.of("rollout_lag"), keys(change.apply(lag.apply(valid()))));
        }
    }

    @Test
    void completionsThatGoOnNeedABoundedRatioAndTheEngine() {
        UnaryOperator<GrpoConfig> goesOn = c -> c.withLag(l -> l.withMaxStaleness(2));
        assertEquals(List.of(), keys(goesOn.apply(valid())));
        List<UnaryOperator<GrpoConfig>> wrong =
                List.of(
                        c -> c.withLoss(l -> l.withLossType(GrpoLossType.KL_COV)),
                        c -> c.withRefill(r -> r.withDynamicSampling(true)),
                        c -> c.withLoss(l -> l.withKeepSamplingMask(true)),
                        c -> c.withAgent(a -> a.withTools(List.of("calculator"))),
                        c -> c.withRollouts(r -> r.withRecordedRollouts(Path.of("rounds.jsonl"))),
                        c -> c.withLag(l -> l.withRolloutLag(3)));
        for (UnaryOperator<GrpoConfig> change : wrong) {
            List<String> named = keys(change.apply(goesOn.apply(valid())));
            assertTrue(named.contains("max_staleness"), named.toString());
        }
        assertEquals(
                List.of("weight_sync_steps", "max_inflight_tasks", "queue_maxsize"),
                keys(
                        valid().withLag(
                                        l ->
                                                l.withWeightSyncSteps(2)
                                                        .withMaxInflightTasks(9)
                                                        .withQueueMaxsize(99))));
        assertEquals(
                List.of("queue_maxsize", "max_inflight_tasks"),
                keys(
                        goesOn.apply(valid())
                                .withLag(l -> l.withQueueMaxsize(1).withMaxInflightTasks(0))));
    }

    @Test
    void whatDoesNotGoTogetherIsNamed() {
        Map<String, UnaryOperator<GrpoConfig>> wrong =
                Map.of(
                        "advantage_estimator",
                        c ->
                                c.withLoss(l -> l.withAdvantageEstimator(AdvantageBaseline.OPO))
                                        .withLoss(l -> l.withScaleRewards(Advantages.Scale.NONE)),
                        "top_entropy_quantile",
                        c ->
                                c.withLoss(l -> l.withLossType(GrpoLossType.KL_COV))
                                        .withEntropy(e -> e.withTopEntropyQuantile(0.5)),
                        "dynamic_sampling",
                        c ->
                                c.withLoss(l -> l.withAdvantageEstimator(AdvantageBaseline.REMAX))
                                        .withRefill(r -> r.withDynamicSampling(true)),
                        "delta",
                        c -> c.withLoss(l -> l.withLossType(GrpoLossType.GMPO).withDelta(2)),
                        "entropy_coef",
                        c ->
                                c.withLoss(l -> l.withLossType(GrpoLossType.GMPO))
                                        .withEntropy(e -> e.withEntropyCoef(0.1)),
                        "importance_sampling_level",
                        c ->
                                c.withLoss(
                                        l ->
                                                l.withLossType(GrpoLossType.GMPO)
                                                        .withImportanceSamplingLevel(
                                                                ImportanceSamplingLevel.SEQUENCE)),
                        "entropy_coef_min",
                        c ->
                                c.withEntropy(
                                        e -> e.withUseAdaptiveEntropy(true).withEntropyCoefMin(2)),
                        "vllm_importance_sampling_correction",
                        c ->
                                c.withRollouts(
                                                r ->
                                                        r.withRolloutServerBaseUrl(
                                                                List.of(
                                                                        "http://localhost:8000/v1")))
                                        .withSampling(s -> s.withTemperature(0.7)),
                        "vllm_importance_sampling_clip_min",
                        c -> c.withSampler(s -> s.withVllmImportanceSamplingClipMin(3)));
        wrong.forEach(
                (key, change) -> assertEquals(List.of(key), keys(change.apply(valid())), key));
    }

    @Test
    void boundsOfRewardsAreTwoInOrder() {
        RlooConfig config =
                RlooConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("m"))
                        .withData(_ -> DataConfig.of("data.jsonl"))
                        .withRewards(r -> r.withRewardFuncs(List.of("exact_answer")))
                        .withTraining(t -> t.withSave(s -> s.withOutputDir(Path.of("out"))));
        assertEquals(List.of(), keys(config));
        for (List<Double> bounds : List.of(List.of(1.0), List.of(2.0, 1.0))) {
            RlooConfig wrong = config.withLoss(l -> l.withRewardClipRange(bounds));
            assertTrue(keys(wrong).contains("reward_clip_range"), bounds.toString());
        }
    }

    @Test
    void replayNeedsAFixedReferenceAndGroupsThatCanBeAlike() {
        GrpoConfig replays = valid().withReplay(r -> r.withReplayBufferSize(8));
        assertEquals(List.of(), keys(replays));
        assertEquals(
                List.of("replay_buffer_size"),
                keys(replays.withLoss(l -> l.withAdvantageEstimator(AdvantageBaseline.REMAX))));
        assertEquals(
                List.of("replay_buffer_size"),
                keys(
                        replays.withLoss(l -> l.withBeta(0.1))
                                .withLora(l -> l.withUsePeft(true))
                                .withReference(r -> r.withSync(y -> y.withSyncRefModel(true)))));
    }

    @Test
    void creditForTurnsNeedsALossByTokensAndABaselineOfItsOwn() {
        GrpoConfig single = valid().withCredit(c -> c.withCredit(Credit.TURNS).withGamma(0.9));
        assertEquals(List.of("credit"), keys(single));
        GrpoConfig turns = single.withAgent(a -> a.withTools(List.of("calculator")));
        assertEquals(List.of(), keys(turns));
        assertEquals(List.of("gamma"), keys(valid().withCredit(c -> c.withGamma(0.9))));
        assertEquals(
                List.of("credit"), keys(turns.withLoss(l -> l.withLossType(GrpoLossType.GMPO))));
        assertEquals(
                List.of("advantage_estimator"),
                keys(turns.withLoss(l -> l.withAdvantageEstimator(AdvantageBaseline.OPO))));
    }
}
