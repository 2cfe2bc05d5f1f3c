package org.attune.trainers.ppo;

import static org.attune.trainers.testing.RecordingListener.number;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.Mockito.when;

import org.attune.error.ConfigException;
import org.attune.reward.Completion;
import org.attune.reward.KlEstimator;
import org.attune.reward.RewardTable;
import org.attune.tensor.Engine;
import org.attune.text.Tokenizer;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.grpo.GrpoTrainerTest;
import org.attune.trainers.grpo.GrpoTrainerTest.Bigrams;
import org.attune.trainers.loop.Critic;
import org.attune.trainers.loop.PassWork;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.onpolicy.OnRewardFailure;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.RoundTrainerContract;
import org.attune.trainers.testing.TinyRollouts;
import org.attune.trainers.testing.TrainerCase;
import org.attune.trainers.testing.TrainerCase.Given;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/// Runs of a policy that is a table of bigrams, with a critic that is another one.
class PpoTrainerTest implements RoundTrainerContract<PromptExample> {
    private static final int VOCABULARY = 7;
    private static final int LENGTH = 4;

    @TempDir private Path folder;

    private PpoConfig config(UnaryOperator<PpoConfig> change) {
        PpoConfig start =
                PpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("bigrams"))
                        .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(true))
                        .withLora(l -> l.withUsePeft(false))
                        .withRewards(r -> r.withRewardFuncs(List.of("wanted")))
                        .withMaxCompletionLength(LENGTH)
                        .withSampling(s -> s.withTemperature(1))
                        .withUpdates(u -> u.withNumMiniBatches(2).withNumPpoEpochs(2))
                        .withTraining(
                                t ->
                                        t.withOptimizer(o -> o.withLearningRate(0.05))
                                                .withSchedule(s -> s.withMaxSteps(6))
                                                .withBatch(b -> b.withPerDeviceTrainBatchSize(8))
                                                .withLog(l -> l.withLoggingSteps(1))
                                                .withSave(
                                                        s ->
                                                                s.withOutputDir(
                                                                        folder.resolve("out"))));
        return change.apply(start);
    }

    /// With a controller that moves. The critic is trained beside the policy.
    @Override
    public TrainerCase<PromptExample> trainerCase() {
        return of(
                c ->
                        c.withKl(
                                k ->
                                        k.withKlController(KlControllerType.ADAPTIVE)
                                                .withKlControllerTarget(0.1)
                                                .withKlControllerHorizon(20)));
    }

    @Override
    public Map<String, TrainerCase<PromptExample>> forms() {
        return Map.of(
                "reward",
                trainerCase(),
                "loss",
                of(c -> c.withKl(k -> k.withKlIn(KlPlace.LOSS).withKlEstimator(KlEstimator.K3))));
    }

    private TrainerCase<PromptExample> of(UnaryOperator<PpoConfig> change) {
        return new TrainerCase<>(
                GrpoTrainerTest.prompts(),
                () -> BigramPolicy.seeded(VOCABULARY, 1),
                given -> start(config(change), GrpoTrainerTest::wanted, given),
                given ->
                        start(
                                config(change).withLoss(l -> l.withCliprange(0.1)),
                                GrpoTrainerTest::wanted,
                                given),
                "cliprange",
                List.of(b -> b.withPerDeviceTrainBatchSize(2).withGradientAccumulationSteps(4)),
                given -> start(config(change), PpoTrainerTest::far, given),
                "data.jsonl:");
    }

    private static float[] start(
            PpoConfig config,
            Function<List<Completion>, RewardTable> rewards,
            Given<PromptExample> given) {
        try (var critic = BigramPolicy.seeded(VOCABULARY, 2)) {
            new PpoTrainer(
                            config.withTraining(given.training()),
                            given.policy(),
                            new Critic.Network(critic),
                            new RoundInputs(
                                    Optional.of(BigramPolicy.seeded(VOCABULARY, 1).frozen()),
                                    given.writer().apply(new Bigrams(given.table())),
                                    batch -> rewards.apply(batch.completions()),
                                    tokenizer(),
                                    given.rows(),
                                    List.of()),
                            given.context())
                    .train();
            return critic.parameters().values().toFloats();
        }
    }

    private static RewardTable far(List<Completion> completions) {
        double[][] rewards = new double[completions.size()][];
        Arrays.setAll(rewards, _ -> new double[] {1e308});
        return RewardTable.of(List.of("far"), new double[] {1}, rewards);
    }

    private static Tokenizer tokenizer() {
        Tokenizer tokenizer = TinyRollouts.tokenizer();
        when(tokenizer.eosId()).thenReturn(OptionalInt.of(0));
        return tokenizer;
    }

    @Test
    void anAdaptiveControllerMovesItsCoefficient() {
        var listener = new RecordingListener();
        train(
                config(
                        c ->
                                c.withKl(
                                        k ->
                                                k.withKlController(KlControllerType.ADAPTIVE)
                                                        .withKlControllerTarget(0.1)
                                                        .withKlControllerHorizon(20))),
                context().withListeners(listener));
        double last = number(listener.logs.getLast(), "actor/reward_kl_penalty_coeff");
        assertTrue(last != 0.05 && Double.isFinite(last), "" + last);
    }

    private static RunContext context() {
        return RunContext.of(path -> Files.writeString(path.resolve("model"), "weights"));
    }

    /// Weights of policy and critic afterwards.
    private record Trained(float[] policy, float[] critic) {}

    private static Trained train(PpoConfig config, RunContext context) {
        return train(config, context, GrpoTrainerTest::wanted);
    }

    private static Trained train(
            PpoConfig config, RunContext context, Function<List<Completion>, RewardTable> rewards) {
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1);
                            var critic = BigramPolicy.seeded(VOCABULARY, 2)) {
                        new PpoTrainer(
                                        config,
                                        policy,
                                        new Critic.Network(critic),
                                        new RoundInputs(
                                                Optional.of(policy.frozen()),
                                                new Bigrams(policy),
                                                batch -> rewards.apply(batch.completions()),
                                                tokenizer(),
                                                GrpoTrainerTest.prompts(),
                                                List.of()),
                                        context)
                                .train();
                        return new Trained(
                                policy.parameters().values().toFloats(),
                                critic.parameters().values().toFloats());
                    }
                });
    }

    @Test
    void rewardRisesAndTheCriticLearns() {
        var listener = new RecordingListener();
        train(
                config(c -> c.withTraining(t -> t.withSchedule(s -> s.withMaxSteps(60)))),
                context().withListeners(listener));
        double first = number(listener.logs.get(0), "objective/scores");
        double last =
                listener.logs.subList(50, 60).stream()
                        .mapToDouble(log -> number(log, "objective/scores"))
                        .average()
                        .orElseThrow();
        assertTrue(first < 0.35 && last > 0.65, first + " to " + last);
        assertTrue(
                number(listener.logs.get(59), "loss/value_avg")
                        < number(listener.logs.get(0), "loss/value_avg") / 10);
        assertEquals(480, number(listener.logs.get(59), "episode"));
    }

    @Test
    void eachPartOfAnUpdateIsAPhaseOfItsOwn() {
        var clock = new PhaseClock();
        train(config(c -> c.withKl(k -> k.withKlCoef(0.1))), context().withClock(clock));
        for (String phase :
                List.of(
                        "data",
                        "rollout",
                        "old",
                        "reference",
                        "values",
                        "forward",
                        "backward",
                        "critic_forward",
                        "critic_backward",
                        "optimizer")) {
            assertTrue(clock.seconds(phase) > 0, phase + " in " + clock.seconds());
        }
        PassWork policy = clock.passes().get("forward");
        assertEquals(policy.passes(), clock.passes().get("critic_forward").passes());
        assertEquals(24, policy.passes(), "6 updates of 2 epochs of 2 mini-batches");
    }

    @Test
    void epochsEndWhereThePolicyHasMovedFarEnough() {
        var listener = new RecordingListener();
        train(
                config(c -> c.withUpdates(u -> u.withNumPpoEpochs(8).withTargetKl(1e-3))),
                context().withListeners(listener));
        for (Map<String, Object> log : listener.logs) {
            double steps = number(log, "ppo/optimizer_steps");
            assertTrue(steps >= 1 && steps < 16, "steps " + steps);
            assertTrue(number(log, "policy/approxkl_avg") <= 1e-3);
        }
    }

    @Test
    void completionsWithoutARewardTakeNoPart() {
        var listener = new RecordingListener();
        Trained nothing =
                train(
                        config(
                                c ->
                                        c.withRewards(
                                                r ->
                                                        r.withOnRewardFailure(
                                                                OnRewardFailure.CONTINUE))),
                        context().withListeners(listener),
                        completions ->
                                RewardTable.of(
                                        List.of("none"),
                                        new double[] {1},
                                        completions.stream()
                                                .map(_ -> new double[] {Double.NaN})
                                                .toArray(double[][]::new)));
        assertEquals(0, number(listener.logs.getFirst(), "loss"));
        Trained start =
                train(
                        config(
                                c ->
                                        c.withTraining(
                                                t -> t.withOptimizer(o -> o.withLearningRate(0)))),
                        context());
        assertArrayEquals(start.policy(), nothing.policy(), 0);
        assertArrayEquals(start.critic(), nothing.critic(), 0);
    }

    @Test
    void completionsOfOneTokenAreLearntFrom() {
        for (boolean trl : new boolean[] {false, true}) {
            for (int rows : new int[] {1, 8}) {
                var listener = new RecordingListener();
                Trained trained =
                        train(
                                config(
                                        c ->
                                                c.withMaxCompletionLength(1)
                                                        .withLoss(l -> l.withTrlCompat(trl))
                                                        .withLoss(l -> l.withWhitenRewards(true))
                                                        .withUpdates(u -> u.withNumMiniBatches(1))
                                                        .withTraining(
                                                                t ->
                                                                        t.withBatch(
                                                                                b ->
                                                                                        b
                                                                                                .withPerDeviceTrainBatchSize(
                                                                                                        rows)))),
                                context().withListeners(listener));
                assertEquals(6, listener.logs.size());
                for (float weight : trained.policy()) {
                    assertTrue(Float.isFinite(weight));
                }
            }
        }
    }

    @Test
    void aCompletionThatDoesNotEndIsPenalised() {
        var plain = new RecordingListener();
        train(config(c -> c), context().withListeners(plain));
        var penalised = new RecordingListener();
        train(
                config(c -> c.withStop(s -> s.withMissingEosPenalty(1))),
                context().withListeners(penalised));
        assertEquals(
                number(plain.logs.getFirst(), "objective/scores") - 1,
                number(penalised.logs.getFirst(), "objective/scores"),
                1e-12);
    }

    @Test
    void combinationsThatMeanNothingAreRefused() {
        for (UnaryOperator<PpoConfig> wrong :
                List.<UnaryOperator<PpoConfig>>of(
                        c -> c.withUpdates(u -> u.withNumMiniBatches(3)),
                        c -> c.withKl(k -> k.withKlIn(KlPlace.LOSS)),
                        c ->
                                c.withKl(
                                        k ->
                                                k.withKlCoef(0)
                                                        .withKlController(
                                                                KlControllerType.ADAPTIVE)),
                        c ->
                                c.withTraining(
                                        t ->
                                                t.withBatch(
                                                        b -> b.withPerDeviceTrainBatchSize(16))))) {
            String message =
                    assertThrows(ConfigException.class, () -> train(config(wrong), context()))
                            .getMessage();
            assertFalse(message.isBlank());
        }
    }
}
