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

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// A reward of the first turn teaches only the first turn where turns are credited.
class TurnCreditTest {
    private static final int VOCABULARY = 7;

    @TempDir private Path folder;

    /// First turns differ and are rewarded by an environment; second turns are alike.
    private record Source() implements RolloutSource {
        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> prompts, long round, FinishedListener listener) {
            List<SampledCompletion> completions = new ArrayList<>();
            for (int i = 0; i < prompts.size(); i++) {
                int first = i % 4;
                completions.add(
                        SampledCompletion.of(
                                Episodes.of(prompts.get(i).ids())
                                        .turn(new int[] {2, first}, new int[] {5, 6}, "f", "x")
                                        .worth(first)
                                        .turn(new int[] {4, first}, "done")
                                        .reward("Game", 0)
                                        .ended(EndReason.ANSWERED),
                                StopReason.STOP_TOKEN));
            }
            return completions;
        }

        @Override
        public boolean isOnPolicy() {
            return true;
        }
    }

    private static final CompletionScorer NOTHING =
            (RewardBatch batch) ->
                    RewardTable.of(List.of(), new double[0], new double[batch.size()][0]);

    private float[] train(Credit credit, RecordingListener listener) {
        GrpoConfig config =
                GrpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("bigrams"))
                        .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(false))
                        .withLora(l -> l.withUsePeft(false))
                        .withRewards(r -> r.withRewardFuncs(List.of("nothing")))
                        .withCredit(c -> c.withCredit(credit))
                        .withAgent(a -> a.withTools(List.of("calculator")))
                        .withNumGenerations(4)
                        .withMaxCompletionLength(10)
                        .withRounds(r -> r.withStepsPerGeneration(1))
                        .withTraining(
                                t ->
                                        t.withOptimizer(o -> o.withLearningRate(0.05))
                                                .withSchedule(s -> s.withMaxSteps(1))
                                                .withBatch(b -> b.withPerDeviceTrainBatchSize(8))
                                                .withLog(l -> l.withLoggingSteps(1))
                                                .withSave(
                                                        s ->
                                                                s.withOutputDir(
                                                                                folder.resolve(
                                                                                        credit
                                                                                                .name()))
                                                                        .withSaveStrategy(
                                                                                SaveStrategy.NO)));
        Tokenizer tokenizer = mock();
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        float[] before = policy.parameters().values().toFloats();
                        GroupRows.trainer(
                                        config,
                                        policy,
                                        new RoundInputs(
                                                Optional.empty(),
                                                new Source(),
                                                NOTHING,
                                                tokenizer,
                                                GrpoTrainerTest.prompts(),
                                                List.of()),
                                        RunContext.of(_ -> {}).withListeners(listener))
                                .train();
                        float[] after = policy.parameters().values().toFloats();
                        for (int i = 0; i < after.length; i++) {
                            after[i] -= before[i];
                        }
                        return after;
                    }
                });
    }

    /// How the predictions after a token changed.
    private static float[] after(float[] change, int token) {
        return Arrays.copyOfRange(change, token * VOCABULARY, (token + 1) * VOCABULARY);
    }

    @Test
    void aRewardTeachesTheTurnsBeforeIt() {
        var listener = new RecordingListener();
        float[] turns = train(Credit.TURNS, listener);
        float[] episode = train(Credit.EPISODE, new RecordingListener());
        float[] nothing = new float[VOCABULARY];
        // 2 stands in first turns alone, the tool's 6 before tokens of second turns alone
        assertFalse(Arrays.equals(nothing, after(turns, 2)));
        assertArrayEquals(after(episode, 2), after(turns, 2), 1e-6f);
        assertArrayEquals(nothing, after(turns, 6));
        assertFalse(Arrays.equals(nothing, after(episode, 6)));
        assertEquals(1.5, (double) listener.logs.getFirst().get("rewards/Game/mean"), 1e-9);
    }
}
