package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.mockito.Mockito.mock;

import org.attune.episode.EndReason;
import org.attune.reward.CompletionScorer;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.tensor.Engine;
import org.attune.text.Tokenizer;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.Episodes;
import org.attune.trainers.testing.RecordingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// An episode whose world failed leaves no trace: neither in its group's baseline, nor in the
/// gradient, nor in the denominators.
class FailedEpisodesTest {
    private static final int GROUPS = 2;

    @TempDir private Path folder;

    /// Groups of three episodes, or of four of which one failed.
    private record Source(boolean withFailed) implements RolloutSource {
        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> prompts, long round, FinishedListener listener) {
            List<SampledCompletion> completions = new ArrayList<>();
            int size = withFailed ? 4 : 3;
            for (int i = 0; i < prompts.size(); i++) {
                int member = i % size;
                boolean failed = withFailed && member == 1;
                int number = withFailed && member > 1 ? member - 1 : member;
                completions.add(
                        SampledCompletion.of(
                                Episodes.of(1, prompts.get(i).ids()[1])
                                        .turn(new int[] {2, number}, new int[] {5, 6}, "f", "x")
                                        .turn(new int[] {3, number, 4}, "answer " + number)
                                        .ended(failed ? EndReason.FAILED : EndReason.ANSWERED),
                                StopReason.STOP_TOKEN));
            }
            return completions;
        }

        @Override
        public boolean isOnPolicy() {
            return true;
        }
    }

    /// Judges a whole round at its end, and would give failed episodes much.
    private static final CompletionScorer GENEROUS =
            (RewardBatch batch) -> {
                double[][] values = new double[batch.size()][1];
                for (int i = 0; i < values.length; i++) {
                    boolean failed = batch.episodes().get(i).end() == EndReason.FAILED;
                    String text = batch.completions().get(i).text();
                    values[i][0] = failed ? 100 : text.charAt(text.length() - 1) - '0';
                }
                return RewardTable.of(List.of("generous"), new double[] {1}, values);
            };

    private float[] train(
            GrpoLossType type, int generations, RolloutSource source, RecordingListener listener) {
        GrpoConfig config =
                GrpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("bigrams"))
                        .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(false))
                        .withLora(l -> l.withUsePeft(false))
                        .withRewards(r -> r.withRewardFuncs(List.of("generous")))
                        .withNumGenerations(generations)
                        .withMaxCompletionLength(10)
                        .withRounds(r -> r.withStepsPerGeneration(1))
                        .withLoss(l -> l.withLossType(type).withBeta(0.1))
                        .withTraining(
                                t ->
                                        t.withOptimizer(o -> o.withLearningRate(0.05))
                                                .withSchedule(s -> s.withMaxSteps(1))
                                                .withBatch(
                                                        b ->
                                                                b.withPerDeviceTrainBatchSize(
                                                                        GROUPS * generations))
                                                .withLog(l -> l.withLoggingSteps(1))
                                                .withSave(
                                                        s ->
                                                                s.withOutputDir(
                                                                                folder.resolve(
                                                                                        type.name()
                                                                                                + generations))
                                                                        .withSaveStrategy(
                                                                                SaveStrategy.NO)));
        Tokenizer tokenizer = mock();
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(7, 1)) {
                        GroupRows.trainer(
                                        config,
                                        policy,
                                        new RoundInputs(
                                                Optional.of(policy.frozen()),
                                                source,
                                                GENEROUS,
                                                tokenizer,
                                                GrpoTrainerTest.prompts(),
                                                List.of()),
                                        RunContext.of(_ -> {}).withListeners(listener))
                                .train();
                        return policy.parameters().values().toFloats();
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(
            value = GrpoLossType.class,
            names = {"GRPO", "DAPO", "BNPO", "DR_GRPO", "LUSPO", "GMPO"})
    void theStepIsAsIfTheyHadNeverBeen(GrpoLossType type) {
        var with = new RecordingListener();
        var without = new RecordingListener();
        float[] expected = train(type, 3, new Source(false), without);
        assertArrayEquals(expected, train(type, 4, new Source(true), with), 1e-6f);
        assertFalse(Arrays.equals(expected, start()), "nothing was learnt");
        Map<String, Object> log = with.logs.getFirst();
        without.logs
                .getFirst()
                .forEach(
                        (key, value) -> {
                            if (value instanceof Number number
                                    && !key.startsWith("episodes/end")
                                    && !key.contains("second")
                                    && !key.contains("time")) {
                                assertEquals(
                                        number.doubleValue(),
                                        ((Number) log.get(key)).doubleValue(),
                                        1e-6,
                                        key);
                            }
                        });
        assertEquals(0.25, log.get("episodes/end/failed"));
    }

    private static float[] start() {
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(7, 1)) {
                        return policy.parameters().values().toFloats();
                    }
                });
    }

    @Test
    void aRoundOfFailedEpisodesChangesNothing() {
        var listener = new RecordingListener();
        RolloutSource source =
                new RolloutSource() {
                    @Override
                    public List<SampledCompletion> complete(
                            List<RolloutPrompt> prompts, long round, FinishedListener heard) {
                        return prompts.stream()
                                .map(
                                        p ->
                                                SampledCompletion.of(
                                                        Episodes.of(p.ids())
                                                                .ended(EndReason.FAILED),
                                                        StopReason.MAX_TOKENS))
                                .toList();
                    }

                    @Override
                    public boolean isOnPolicy() {
                        return true;
                    }
                };
        float[] after = train(GrpoLossType.GRPO, 4, source, listener);
        assertArrayEquals(start(), after);
        assertEquals(1.0, listener.logs.getFirst().get("episodes/end/failed"));
    }
}
