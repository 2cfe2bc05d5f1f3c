package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.reward.Completion;
import org.attune.reward.CompletionScorer;
import org.attune.reward.PerCompletion;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.attune.reward.RewardLimits;
import org.attune.reward.RewardScorer;
import org.attune.reward.WeightedReward;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.source.RecordedRollouts;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.Resume;
import org.attune.trainers.loop.MetricKeys;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/// Where the completions of a round come from, where they are kept, and when they are judged.
class RoundSourcesTest {
    private static final int LENGTH = 4;

    @TempDir private Path folder;

    /// Finishes the completions from the last to the first, as it is told to.
    private record Backwards(RolloutSource inner, Runnable afterEach) implements RolloutSource {
        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> prompts, long round, FinishedListener listener) {
            List<SampledCompletion> completions = inner.complete(prompts, round);
            for (int i = completions.size() - 1; i >= 0; i--) {
                listener.finished(i, completions.get(i));
                afterEach.run();
            }
            return completions;
        }

        @Override
        public boolean isOnPolicy() {
            return inner.isOnPolicy();
        }
    }

    private GrpoConfig config(String name) {
        return GrpoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("bigrams"))
                .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(true))
                .withLora(l -> l.withUsePeft(false))
                .withRewards(r -> r.withRewardFuncs(List.of("wanted")))
                .withNumGenerations(4)
                .withMaxCompletionLength(LENGTH)
                .withRounds(r -> r.withStepsPerGeneration(4))
                .withLoss(l -> l.withBeta(0.1))
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

    private static float[] train(
            GrpoConfig config,
            Function<BigramPolicy, RolloutSource> source,
            CompletionScorer rewards,
            RunContext context) {
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(7, 1)) {
                        GroupRows.trainer(
                                        config,
                                        policy,
                                        new RoundInputs(
                                                Optional.of(policy.frozen()),
                                                source.apply(policy),
                                                rewards,
                                                TinyRollouts.tokenizer(),
                                                GrpoTrainerTest.prompts(),
                                                List.of()),
                                        context)
                                .train();
                        return policy.parameters().values().toFloats();
                    }
                });
    }

    private static RunContext context(TrainingListener... listeners) {
        return RunContext.of(path -> Files.writeString(path.resolve("model"), "weights"))
                .withListeners(listeners);
    }

    private static double share(Completion completion) {
        return Arrays.stream(completion.tokens()).filter(t -> t == 3).count() / (double) LENGTH;
    }

    private static RewardFunction shares() {
        return new PerCompletion("share", row -> share(row.completion()));
    }

    private static RewardScorer scorer(RewardFunction... functions) {
        return new RewardScorer(
                Arrays.stream(functions).map(f -> new WeightedReward(f, 1)).toList(),
                RewardLimits.defaults().withTimeout(Duration.ofMinutes(5)));
    }

    /// The source goes on only when the reward has seen the first completion; were it judged
    /// afterwards, both would wait for each other.
    @Test
    void rewardsBeginWhileOthersAreStillGenerated() {
        var seen = new CountDownLatch(1);
        var late = new boolean[1];
        RewardFunction function =
                new PerCompletion(
                        "share",
                        row -> {
                            seen.countDown();
                            return share(row.completion());
                        });
        Runnable untilSeen =
                () -> {
                    try {
                        late[0] = late[0] || !seen.await(3, TimeUnit.MINUTES);
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                };
        try (var rewards = scorer(function)) {
            train(
                    config("overlap"),
                    policy -> new Backwards(new GrpoTrainerTest.Bigrams(policy), untilSeen),
                    rewards,
                    context());
        }
        assertTrue(!late[0], "no reward was asked before the last completion had ended");
    }

    /// Throws at what is too good, and has no word for the worst.
    private static RewardFunction picky() {
        return new PerCompletion(
                "picky",
                Set.of(),
                row -> {
                    if (share(row.completion()) > 0.6) {
                        throw new IllegalStateException("too good");
                    }
                    return share(row.completion()) == 0
                            ? OptionalDouble.empty()
                            : OptionalDouble.of(1);
                });
    }

    /// Compares the completions of a round.
    private static RewardFunction best() {
        return new RewardFunction() {
            @Override
            public List<OptionalDouble> score(RewardBatch batch) {
                assertEquals(32, batch.size());
                double most =
                        batch.completions().stream()
                                .mapToDouble(RoundSourcesTest::share)
                                .max()
                                .orElseThrow();
                return batch.completions().stream()
                        .map(c -> OptionalDouble.of(share(c) == most ? 1 : 0))
                        .toList();
            }

            @Override
            public String name() {
                return "best";
            }

            @Override
            public boolean wholeRound() {
                return true;
            }
        };
    }

    @Test
    void judgingEarlyGivesTheRewardsOfJudgingLate() {
        var late = new RecordingListener();
        var early = new RecordingListener();
        float[] afterwards;
        try (var rewards = scorer(shares(), picky(), best())) {
            afterwards =
                    train(
                            config("late"),
                            GrpoTrainerTest.Bigrams::new,
                            batch -> rewards.score(batch), // in one piece
                            context(late));
        }
        try (var rewards = scorer(shares(), picky(), best())) {
            float[] asTheyEnd =
                    train(
                            config("early"),
                            policy -> new Backwards(new GrpoTrainerTest.Bigrams(policy), () -> {}),
                            rewards,
                            context(early));
            assertArrayEquals(afterwards, asTheyEnd, 0);
            assertTrue(!rewards.failureTotals().isEmpty(), "the picky one threw");
        }
        assertEquals(late.logs.toString(), early.logs.toString());
    }

    private RecordedRollouts recorded(Path file) {
        return new RecordedRollouts(file, LENGTH, List.of());
    }

    private static CompletionScorer shareOf() {
        return batch -> GrpoTrainerTest.wanted(batch.completions());
    }

    @Test
    void aReplayedRecordGivesTheRunThatItWasMadeFrom() throws Exception {
        Path file = folder.resolve("record.jsonl");
        var original = new RecordingListener();
        var replay = new RecordingListener();
        float[] expected =
                train(
                        config("run").withRollouts(r -> r.withRecordRollouts(file)),
                        GrpoTrainerTest.Bigrams::new,
                        shareOf(),
                        context(original));
        assertEquals(3 * 32, Files.readAllLines(file).size());
        // Another seed would shuffle the rounds differently; the places stand in the file.
        GrpoConfig again =
                config("replay")
                        .withTraining(t -> t.withDataSeed(t.seed()).withSeed(99))
                        .withRollouts(r -> r.withRecordedRollouts(file));
        float[] replayed = train(again, _ -> recorded(file), shareOf(), context(replay));
        assertArrayEquals(expected, replayed, 0);
        for (int i = 0; i < original.logs.size(); i++) {
            assertEquals(
                    original.logs.get(i).get(MetricKeys.LOSS),
                    replay.logs.get(i).get(MetricKeys.LOSS));
        }
    }

    /// A round serves two steps, and the run stops in the middle of the second one.
    @Test
    void anInterruptedRecordIsContinued() throws Exception {
        Path whole = folder.resolve("whole.jsonl");
        Path halves = folder.resolve("halves.jsonl");
        train(
                config("whole").withRollouts(r -> r.withRecordRollouts(whole)),
                GrpoTrainerTest.Bigrams::new,
                shareOf(),
                context());
        var stop = new StopSignal();
        TrainingListener stopper =
                new TrainingListener() {
                    @Override
                    public void onLog(int step, Map<String, Object> metrics) {
                        if (step == 3) {
                            stop.request();
                        }
                    }
                };
        GrpoConfig interrupted = config("halves").withRollouts(r -> r.withRecordRollouts(halves));
        train(
                interrupted,
                GrpoTrainerTest.Bigrams::new,
                shareOf(),
                context(stopper).withStop(stop));
        // What a run leaves that was killed after its last checkpoint.
        List<String> more = new ArrayList<>(Files.readAllLines(halves));
        more.add(more.getLast().replace("\"generation\":1", "\"generation\":2"));
        Files.write(halves, more);
        train(
                interrupted.withTraining(t -> t.withSave(s -> s.withResume(new Resume.Latest()))),
                GrpoTrainerTest.Bigrams::new,
                shareOf(),
                context());
        assertEquals(Files.readString(whole), Files.readString(halves));
    }
}
