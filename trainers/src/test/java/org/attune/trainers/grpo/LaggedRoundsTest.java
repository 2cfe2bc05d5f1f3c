package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.policy.ValueHash;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TinyRollouts;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Which weights write a round that is written ahead.
class LaggedRoundsTest {
    private static final int STEPS = 5;

    @TempDir private Path folder;

    @Test
    void aRoundIsWrittenWithTheWeightsOfALagBefore() {
        assertEquals(List.of(0, 1, 2, 3, 4), writtenAfter(0));
        assertEquals(List.of(0, 0, 1, 2, 3), writtenAfter(1));
        assertEquals(List.of(0, 0, 0, 1, 2), writtenAfter(2));
    }

    /// Steps after which each round was written; a step uses up one round.
    private List<Integer> writtenAfter(int lag) {
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(GrpoTrainerTest.VOCABULARY, 1)) {
                        return writtenAfter(lag, policy);
                    }
                });
    }

    private List<Integer> writtenAfter(int lag, BigramPolicy policy) {
        List<Double> weights = new ArrayList<>(List.of(hash(policy))); // after so many steps
        List<Integer> written = new ArrayList<>();
        RolloutSource bigrams = new GrpoTrainerTest.Bigrams(policy);
        var source =
                new RolloutSource() {
                    @Override
                    public List<SampledCompletion> complete(
                            List<RolloutPrompt> prompts, long round, FinishedListener listener) {
                        assertEquals(written.size(), round);
                        written.add(weights.lastIndexOf(hash(policy)));
                        return bigrams.complete(prompts, round, listener);
                    }

                    @Override
                    public boolean isOnPolicy() {
                        return true;
                    }
                };
        var steps =
                new TrainingListener() {
                    @Override
                    public void onStep(int step, long tokens, PhaseClock clock) {
                        weights.add(hash(policy));
                    }
                };
        TrainingConfig training =
                ShortRun.of(TrainingConfig.of(OptimizerConfig.dpo()), STEPS, 0.1, folder)
                        .withSave(s -> s.withOutputDir(folder.resolve("lag" + lag)));
        GrpoConfig config =
                GrpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("bigrams"))
                        .withData(_ -> DataConfig.of("data.jsonl"))
                        .withLora(l -> l.withUsePeft(false))
                        .withRewards(r -> r.withRewardFuncs(List.of("wanted")))
                        .withNumGenerations(4)
                        .withMaxCompletionLength(4)
                        .withLag(l -> l.withRolloutLag(lag))
                        .withTraining(training);
        GroupRows.trainer(
                        config,
                        policy,
                        new RoundInputs(
                                Optional.empty(),
                                source,
                                batch -> GrpoTrainerTest.wanted(batch.completions()),
                                TinyRollouts.tokenizer(),
                                GrpoTrainerTest.prompts(),
                                List.of()),
                        RunContext.of(_ -> {}).withListeners(steps))
                .train();
        return written;
    }

    private static double hash(BigramPolicy policy) {
        return Engine.call(() -> ValueHash.of(policy.parameters().values()));
    }
}
