package org.attune.trainers;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyBoolean;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.datasets.PromptExample;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;
import org.attune.reward.Completion;
import org.attune.reward.RewardTable;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.tensor.Engine;
import org.attune.text.Tokenizer;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.GrpoConfig;
import org.attune.trainers.config.GrpoLossType;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.TrainingConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

class GrpoTrainerTest {
    private static final int VOCABULARY = 7;
    private static final int LENGTH = 4;
    private static final int WANTED = 3;

    @TempDir private Path folder;

    /// Draws from the table as it is; the draws follow from the round.
    record Bigrams(BigramPolicy policy) implements RolloutSource {
        @Override
        public List<SampledCompletion> complete(
                List<int[]> prompts, long round, FinishedListener listener) {
            float[] table = policy.parameters().values().toFloats();
            var random = RandomSource.XO_RO_SHI_RO_128_PP.create(100 + round);
            List<SampledCompletion> completions = new ArrayList<>();
            for (int[] prompt : prompts) {
                int[] ids = new int[LENGTH];
                int last = prompt[prompt.length - 1];
                for (int t = 0; t < LENGTH; t++) {
                    ids[t] = draw(table, last, random.nextDouble());
                    last = ids[t];
                }
                completions.add(
                        new SampledCompletion(ids, new float[LENGTH], StopReason.MAX_TOKENS));
            }
            return completions;
        }

        private static int draw(float[] table, int row, double u) {
            double sum = 0;
            for (int v = 0; v < VOCABULARY; v++) {
                sum += Math.exp(table[row * VOCABULARY + v]);
            }
            double rest = u * sum;
            for (int v = 0; v < VOCABULARY; v++) {
                rest -= Math.exp(table[row * VOCABULARY + v]);
                if (rest <= 0) {
                    return v;
                }
            }
            return VOCABULARY - 1;
        }

        @Override
        public boolean isOnPolicy() {
            return true;
        }
    }

    /// The share of tokens that are the wanted one.
    static RewardTable wanted(List<Completion> completions) {
        double[][] rewards = new double[completions.size()][1];
        for (int i = 0; i < rewards.length; i++) {
            rewards[i][0] =
                    Arrays.stream(completions.get(i).tokens()).filter(t -> t == WANTED).count()
                            / (double) LENGTH;
        }
        return RewardTable.of(List.of("wanted"), new double[] {1}, rewards);
    }

    static List<PromptExample> prompts() {
        List<PromptExample> prompts = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            int[] ids = {i % VOCABULARY, (3 * i + 1) % VOCABULARY};
            prompts.add(
                    new PromptExample(
                            ids,
                            "prompt " + i,
                            List.of(),
                            Map.of(),
                            new RowOrigin("data.jsonl", i + 1, i)));
        }
        return prompts;
    }

    private GrpoConfig config(UnaryOperator<GrpoConfig> change) {
        GrpoConfig start =
                GrpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("bigrams"))
                        .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(true))
                        .withLora(l -> l.withUsePeft(false))
                        .withRewards(r -> r.withRewardFuncs(List.of("wanted")))
                        .withGeneration(
                                g -> g.withNumGenerations(4).withMaxCompletionLength(LENGTH))
                        .withTraining(
                                t ->
                                        t.withOptimizer(o -> o.withLearningRate(0.05))
                                                .withSchedule(s -> s.withMaxSteps(6))
                                                .withBatch(
                                                        b ->
                                                                b.withPerDeviceTrainBatchSize(8)
                                                                        .withGradientAccumulationSteps(
                                                                                2))
                                                .withLog(l -> l.withLoggingSteps(1))
                                                .withSave(
                                                        s ->
                                                                s.withOutputDir(
                                                                        folder.resolve("out"))));
        return change.apply(start);
    }

    private static float[] train(GrpoConfig config, RunContext context) {
        Tokenizer tokenizer = mock();
        when(tokenizer.decode(any(), anyBoolean())).thenReturn("text");
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        new GrpoTrainer(
                                        config,
                                        policy,
                                        Optional.of(policy.frozen()),
                                        new Bigrams(policy),
                                        batch -> wanted(batch.completions()),
                                        tokenizer,
                                        prompts(),
                                        List.of(),
                                        context)
                                .train();
                        return policy.parameters().values().toFloats();
                    }
                });
    }

    private static RunContext context() {
        return RunContext.of(path -> Files.writeString(path.resolve("model"), "weights"));
    }

    private static double number(Map<String, Object> log, String key) {
        return ((Number) log.get(key)).doubleValue();
    }

    @Test
    void rewardRises() {
        var listener = new RecordingListener();
        train(
                config(
                        c ->
                                c.withTraining(
                                        t ->
                                                t.withSchedule(s -> s.withMaxSteps(60))
                                                        .withOptimizer(
                                                                o -> o.withLearningRate(0.1)))),
                context().withListeners(listener));
        double first = number(listener.logs.get(0), "reward");
        double last =
                listener.logs.subList(50, 60).stream()
                        .mapToDouble(log -> number(log, "reward"))
                        .average()
                        .orElseThrow();
        assertTrue(first < 0.35 && last > 0.65, first + " to " + last);
    }

    @Test
    void physicalGroupsAndSharedPromptsDoNotChangeTheResult() {
        for (GrpoLossType loss : GrpoLossType.values()) {
            UnaryOperator<GrpoConfig> of =
                    c ->
                            c.withLoss(l -> l.withLossType(loss).withBeta(0.1))
                                    .withGeneration(g -> g.withNumIterations(2));
            float[] together = train(config(of), context());
            float[] alone =
                    train(
                            config(
                                    c ->
                                            of.apply(c)
                                                    .withTraining(
                                                            t ->
                                                                    t.withBatch(
                                                                            b ->
                                                                                    b
                                                                                            .withTokensPerMicroBatch(
                                                                                                    1)))),
                            context());
            float[] unshared = train(config(of), context().withSharePrompts(false));
            assertArrayEquals(together, alone, 1e-5f, loss.toString());
            assertArrayEquals(together, unshared, 1e-5f, loss.toString());
        }
    }

    /// A round serves two steps here, so every odd step ends in the middle of one.
    @Test
    void stoppedInTheMiddleOfARoundAndResumedGivesTheSameNumbers() {
        UnaryOperator<GrpoConfig> longRounds =
                c ->
                        c.withGeneration(g -> g.withStepsPerGeneration(4))
                                .withLoss(l -> l.withBeta(0.1));
        var whole = new RecordingListener();
        float[] expected =
                train(
                        longRounds.apply(config(c -> c.withTraining(to("whole")))),
                        context().withListeners(whole));
        assertFalse(whole.logs.get(1).containsKey("reward"), "step 2 generates nothing");
        var stop = new StopSignal();
        var first = new RecordingListener();
        TrainingListener stopper =
                new TrainingListener() {
                    @Override
                    public void onLog(int step, Map<String, Object> metrics) {
                        if (step == 3) {
                            stop.request();
                        }
                    }
                };
        GrpoConfig halves = longRounds.apply(config(c -> c.withTraining(to("halves"))));
        train(halves, context().withStop(stop).withListeners(first, stopper));
        assertTrue(Files.exists(folder.resolve("halves/checkpoint-3/rollouts.jsonl")));
        var second = new RecordingListener();
        float[] resumed =
                train(
                        halves.withTraining(
                                t -> t.withSave(s -> s.withResume(new Resume.Latest()))),
                        context().withListeners(second));
        assertEquals(3, second.info.firstStep());
        assertArrayEquals(expected, resumed, 0);
        var logs = new ArrayList<>(first.logs);
        logs.addAll(second.logs);
        assertEquals(whole.logs.toString(), logs.toString());
    }

    private UnaryOperator<TrainingConfig> to(String name) {
        return t -> t.withSave(s -> s.withOutputDir(folder.resolve(name)));
    }

    @Test
    void roundsThatAreNotWholeGroupsAreRefused() {
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        train(
                                                config(
                                                        c ->
                                                                c.withGeneration(
                                                                        g ->
                                                                                g
                                                                                        .withNumGenerations(
                                                                                                3))),
                                                context()))
                        .getMessage();
        assertTrue(message.contains("num_generations"), message);
        String tooFew =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        train(
                                                config(
                                                        c ->
                                                                c.withGeneration(
                                                                        g ->
                                                                                g
                                                                                        .withStepsPerGeneration(
                                                                                                8))),
                                                context()))
                        .getMessage();
        assertTrue(tooFew.contains("a round completes 16 prompts"), tooFew);
    }
}
