package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.Resume;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.TinyRollouts;
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

/// Runs in which groups of earlier rounds are used again.
class ReplayRunTest {
    @TempDir private Path folder;

    private GrpoConfig config(String name, int kept) {
        return GrpoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("bigrams"))
                .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(true))
                .withLora(l -> l.withUsePeft(false))
                .withRewards(r -> r.withRewardFuncs(List.of("wanted")))
                .withLoss(l -> l.withBeta(0.1))
                .withReplay(r -> r.withReplayBufferSize(kept))
                .withNumGenerations(4)
                .withMaxCompletionLength(4)
                .withTraining(
                        t ->
                                t.withOptimizer(o -> o.withLearningRate(0.05))
                                        .withSchedule(s -> s.withMaxSteps(6))
                                        .withBatch(
                                                b ->
                                                        b.withPerDeviceTrainBatchSize(8)
                                                                .withGradientAccumulationSteps(2))
                                        .withLog(l -> l.withLoggingSteps(1))
                                        .withSave(s -> s.withOutputDir(folder.resolve(name))));
    }

    /// Groups of every other prompt have equal rewards.
    private static RewardTable rewards(RewardBatch batch) {
        double[][] values = GrpoTrainerTest.wanted(batch.completions()).values();
        for (int i = 0; i < values.length; i++) {
            values[i][0] = i / 4 % 2 == 0 ? 1 : values[i][0];
        }
        return RewardTable.of(List.of("wanted"), new double[] {1}, values);
    }

    private static RunContext context() {
        return RunContext.of(path -> Files.writeString(path.resolve("model"), "weights"));
    }

    private static float[] train(GrpoConfig config, RunContext context) {
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(GrpoTrainerTest.VOCABULARY, 1)) {
                        GroupRows.trainer(
                                        config,
                                        policy,
                                        new RoundInputs(
                                                Optional.of(policy.frozen()),
                                                new GrpoTrainerTest.Bigrams(policy),
                                                ReplayRunTest::rewards,
                                                TinyRollouts.tokenizer(),
                                                GrpoTrainerTest.prompts(),
                                                List.of()),
                                        context)
                                .train();
                        return policy.parameters().values().toFloats();
                    }
                });
    }

    @Test
    void groupsTakeTheirTurnAgain() {
        var listener = new RecordingListener();
        float[] replayed = train(config("on", 8), context().withListeners(listener));
        float[] without = train(config("off", 0), context());
        assertNotEquals(Arrays.toString(without), Arrays.toString(replayed));
        double all = 0;
        for (Map<String, Object> log : listener.logs) {
            all += ((Number) log.get("replay_buffer/replayed")).doubleValue();
        }
        assertTrue(all >= 10, "2 of 4 groups a round, as soon as one is kept: " + all);
    }

    @Test
    void howRowsAreComputedTogetherChangesNothing() {
        float[] together = train(config("together", 4), context());
        UnaryOperator<GrpoConfig> single =
                c -> c.withTraining(t -> t.withBatch(b -> b.withTokensPerMicroBatch(1)));
        float[] alone = train(single.apply(config("alone", 4)), context());
        float[] unshared = train(config("unshared", 4), context().withSharePrompts(false));
        assertArrayEquals(together, alone, 1e-5f);
        assertArrayEquals(together, unshared, 1e-5f);
    }

    /// A round serves two steps, so that the stop is in the middle of one.
    @Test
    void theBufferIsPartOfACheckpoint() {
        UnaryOperator<GrpoConfig> longRounds = c -> c.withRounds(r -> r.withStepsPerGeneration(4));
        for (int last : new int[] {2, 3}) {
            var whole = new RecordingListener();
            float[] expected =
                    train(
                            longRounds.apply(config("whole" + last, 3)),
                            context().withListeners(whole));
            var stop = new StopSignal();
            var first = new RecordingListener();
            TrainingListener stopper =
                    new TrainingListener() {
                        @Override
                        public void onLog(int step, Map<String, Object> metrics) {
                            if (step == last) {
                                stop.request();
                            }
                        }
                    };
            GrpoConfig halves = longRounds.apply(config("halves" + last, 3));
            train(halves, context().withStop(stop).withListeners(first, stopper));
            Path checkpoint = folder.resolve("halves" + last + "/checkpoint-" + last);
            assertTrue(Files.exists(checkpoint.resolve("replay.jsonl")));
            var second = new RecordingListener();
            float[] resumed =
                    train(
                            halves.withTraining(
                                    t -> t.withSave(s -> s.withResume(new Resume.Latest()))),
                            context().withListeners(second));
            assertArrayEquals(expected, resumed, 0);
            var logs = new ArrayList<>(first.logs);
            logs.addAll(second.logs);
            assertEquals(whole.logs.toString(), logs.toString());
            assertFalse(logs.isEmpty());
        }
    }
}
