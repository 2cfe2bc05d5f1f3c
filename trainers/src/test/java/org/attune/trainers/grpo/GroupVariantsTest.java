package org.attune.trainers.grpo;

import static org.attune.trainers.testing.RecordingListener.number;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.TinyRollouts;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// Runs with other estimators, entropies and choices of tokens than the default, on a table of
/// bigrams.
class GroupVariantsTest {
    @TempDir private Path folder;

    private GrpoConfig config(UnaryOperator<GrpoConfig> change) {
        GrpoConfig start =
                GrpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("bigrams"))
                        .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(true))
                        .withLora(l -> l.withUsePeft(false))
                        .withRewards(r -> r.withRewardFuncs(List.of("wanted")))
                        .withNumGenerations(4)
                        .withMaxCompletionLength(4)
                        .withTraining(
                                t ->
                                        steps(t, 6, 0.05)
                                                .withBatch(
                                                        b ->
                                                                b.withPerDeviceTrainBatchSize(8)
                                                                        .withGradientAccumulationSteps(
                                                                                2))
                                                .withLog(l -> l.withLoggingSteps(1)))
                        .withTraining(to("out"));
        return change.apply(start);
    }

    private static TrainingConfig steps(TrainingConfig training, int count, double rate) {
        return training.withOptimizer(o -> o.withLearningRate(rate))
                .withSchedule(
                        s -> s.withMaxSteps(count).withLrSchedulerType(LrSchedulerType.CONSTANT));
    }

    private UnaryOperator<TrainingConfig> to(String name) {
        return t -> t.withSave(s -> s.withOutputDir(folder.resolve(name)));
    }

    private static float[] train(GroupRun config, RunContext context) {
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(GrpoTrainerTest.VOCABULARY, 1)) {
                        GroupRows.trainer(
                                        config,
                                        policy,
                                        new RoundInputs(
                                                Optional.of(policy.frozen()),
                                                new GrpoTrainerTest.Bigrams(policy),
                                                batch ->
                                                        GrpoTrainerTest.wanted(batch.completions()),
                                                TinyRollouts.tokenizer(),
                                                GrpoTrainerTest.prompts(),
                                                List.of()),
                                        context)
                                .train();
                        return policy.parameters().values().toFloats();
                    }
                });
    }

    private static RunContext context() {
        return RunContext.of(path -> Files.writeString(path.resolve("model"), "weights"));
    }

    /// How a step is computed changes nothing, also where something looks at a whole micro-batch.
    @Tag("thorough")
    @Test
    void choicesOfTokensAreOfMicroBatchesNotOfGroups() {
        List<UnaryOperator<GrpoConfig>> changes =
                List.of(
                        c -> c.withEntropy(e -> e.withEntropyCoef(0.1)),
                        c ->
                                c.withEntropy(
                                        e ->
                                                e.withTopEntropyQuantile(0.3)
                                                        .withUseAdaptiveEntropy(true)
                                                        .withEntropyTarget(2)),
                        c ->
                                c.withLoss(l -> l.withLossType(GrpoLossType.CLIP_COV))
                                        .withCovariance(
                                                v -> v.withClipCovRatio(0.2).withClipCovLb(0)),
                        c ->
                                c.withLoss(l -> l.withLossType(GrpoLossType.KL_COV))
                                        .withCovariance(v -> v.withKlCovRatio(0.2)),
                        c -> c.withLoss(l -> l.withLossType(GrpoLossType.DPPO).withEpsilon(0.01)),
                        c ->
                                c.withLoss(l -> l.withLossType(GrpoLossType.FIPO))
                                        .withDivergence(d -> d.withFipoDecayRate(2)),
                        c ->
                                c.withLoss(
                                        l ->
                                                l.withAdvantageEstimator(
                                                        AdvantageBaseline.OPTIMAL_TOKEN_BASELINE)),
                        c ->
                                c.withLoss(
                                        l ->
                                                l.withAdvantageEstimator(
                                                        AdvantageBaseline.REINFORCE_PLUS_PLUS)));
        for (UnaryOperator<GrpoConfig> change : changes) {
            UnaryOperator<GrpoConfig> of =
                    c ->
                            change.apply(c.withLoss(l -> l.withBeta(0.1)))
                                    .withRounds(r -> r.withNumIterations(2));
            float[] plain = train(config(c -> c), context());
            float[] together = train(config(of), context());
            float[] alone = train(config(c -> rowByRow(of.apply(c))), context());
            assertArrayEquals(together, alone, 1e-5f, config(of).toString());
            assertFalse(Arrays.equals(plain, together), config(of).toString());
        }
    }

    private static GrpoConfig rowByRow(GrpoConfig config) {
        return config.withTraining(t -> t.withBatch(b -> b.withTokensPerMicroBatch(1)));
    }

    @Tag("thorough")
    @Test
    void everyEstimatorRaisesTheReward() {
        for (AdvantageBaseline baseline : AdvantageBaseline.values()) {
            var listener = new RecordingListener();
            train(
                    config(
                            c ->
                                    c.withLoss(l -> l.withAdvantageEstimator(baseline))
                                            .withTraining(t -> steps(t, 30, 0.1))),
                    context().withListeners(listener));
            double first = number(listener.logs.get(0), "reward");
            double last = number(listener.logs.get(29), "reward");
            assertTrue(last > first + 0.2, baseline + ": " + first + " to " + last);
        }
    }

    /// The weight of the entropy is led from step to step, and a checkpoint knows where it stands.
    @Test
    void resumedRunLeadsTheEntropyOn() {
        UnaryOperator<GrpoConfig> adaptive =
                c ->
                        c.withEntropy(
                                e ->
                                        e.withUseAdaptiveEntropy(true)
                                                .withEntropyCoefDelta(0.3)
                                                .withEntropyTarget(1.9));
        var whole = new RecordingListener();
        float[] expected =
                train(
                        adaptive.apply(config(c -> c.withTraining(to("whole")))),
                        context().withListeners(whole));
        assertEquals(0.3, number(whole.logs.get(0), "entropy_coef"));
        GrpoConfig halves = adaptive.apply(config(c -> c.withTraining(to("halves"))));
        train(halves.withTraining(t -> t.withSchedule(s -> s.withMaxSteps(3))), context());
        float[] resumed =
                train(
                        halves.withTraining(
                                t -> t.withSave(s -> s.withResume(new Resume.Latest()))),
                        context());
        assertArrayEquals(expected, resumed, 0);
    }

    /// Stopped where a round is used a second time.
    @Test
    void resumedRunKnowsAdvantagesAndRatiosOfTokens() {
        for (GrpoLossType type : List.of(GrpoLossType.DPPO, GrpoLossType.FIPO)) {
            UnaryOperator<GrpoConfig> change =
                    c ->
                            c.withLoss(
                                            l ->
                                                    l.withLossType(type)
                                                            .withAdvantageEstimator(
                                                                    AdvantageBaseline
                                                                            .OPTIMAL_TOKEN_BASELINE))
                                    .withRounds(r -> r.withNumIterations(2));
            var listener = new RecordingListener();
            float[] expected =
                    train(
                            change.apply(config(c -> c.withTraining(to("whole" + type)))),
                            context().withListeners(listener));
            String moved =
                    type == GrpoLossType.DPPO ? "prob_diff/mean" : "fipo/influence_weight/mean";
            double none = type == GrpoLossType.DPPO ? 0 : 1;
            assertEquals(none, number(listener.logs.get(0), moved), 1e-6);
            assertTrue(number(listener.logs.get(1), moved) > none, listener.logs.toString());
            GrpoConfig halves = change.apply(config(c -> c.withTraining(to("halves" + type))));
            train(halves.withTraining(t -> t.withSchedule(s -> s.withMaxSteps(3))), context());
            float[] resumed =
                    train(
                            halves.withTraining(
                                    t -> t.withSave(s -> s.withResume(new Resume.Latest()))),
                            context());
            assertArrayEquals(expected, resumed, 0);
        }
    }

    /// Pairs of completions, whose rewards are equal more often than not.
    private GrpoConfig filled(String name, int batches) {
        return config(
                c ->
                        c.withNumGenerations(2)
                                .withRounds(r -> r.withStepsPerGeneration(4))
                                .withRefill(
                                        r ->
                                                r.withDynamicSampling(true)
                                                        .withDynamicSamplingMaxBatches(batches))
                                .withTraining(to(name)));
    }

    @Test
    void roundsAreFilledWithGroupsThatDiffer() {
        var listener = new RecordingListener();
        float[] whole = train(halved(filled("whole", 20)), context().withListeners(listener));
        for (Map<String, Object> log : listener.logs) {
            if (log.containsKey("reward")) {
                assertEquals(0, number(log, "frac_reward_zero_std"), log.toString());
                assertTrue(number(log, "dynamic_sampling/batches") > 1, log.toString());
                assertTrue(number(log, "dynamic_sampling/kept") < 1, log.toString());
            }
        }
        // Stopped in the middle of its second round, it knows how many batches were drawn.
        train(
                halved(filled("halves", 20))
                        .withTraining(t -> t.withSchedule(s -> s.withMaxSteps(3))),
                context());
        float[] resumed =
                train(
                        halved(filled("halves", 20))
                                .withTraining(
                                        t -> t.withSave(s -> s.withResume(new Resume.Latest()))),
                        context());
        assertArrayEquals(whole, resumed, 0);
    }

    /// Two steps use a round of four micro-batches of four completions.
    private static GrpoConfig halved(GrpoConfig config) {
        return config.withTraining(t -> t.withBatch(b -> b.withPerDeviceTrainBatchSize(4)));
    }

    @Test
    void searchForGroupsEnds() {
        var listener = new RecordingListener();
        train(halved(filled("few", 1)), context().withListeners(listener));
        assertEquals(1, number(listener.logs.get(0), "dynamic_sampling/batches"));
        assertTrue(number(listener.logs.get(0), "frac_reward_zero_std") > 0);
    }
}
