package org.attune.trainers.online;

import static org.attune.trainers.testing.RecordingListener.number;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.RowOrigin;
import org.attune.episode.EndReason;
import org.attune.policy.HeadRequest;
import org.attune.policy.TokenForest;
import org.attune.reward.RewardTable;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.grpo.GrpoTrainerTest;
import org.attune.trainers.grpo.GrpoTrainerTest.Bigrams;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.Episodes;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.RoundTrainerContract;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TinyRollouts;
import org.attune.trainers.testing.TrainerCase;
import org.attune.trainers.testing.TrainerCase.Given;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// On a model of bigrams, against sums that this class makes on its own.
class OnlinePairTrainerTest implements RoundTrainerContract<PromptExample> {
    private static final int VOCABULARY = 6;
    private static final double BETA = 0.4;

    /// Both completions of a prompt: the second one ends by itself and has the higher reward.
    private static final int[][] COMPLETIONS = {{1, 2, 3}, {4, 5}};

    @TempDir private Path folder;

    private static List<PromptExample> prompts() {
        List<PromptExample> prompts = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            prompts.add(
                    new PromptExample(
                            new int[] {i, 2},
                            "prompt",
                            List.of(),
                            Map.of(),
                            new RowOrigin("rows.jsonl", i + 1, i)));
        }
        return prompts;
    }

    /// The same completions as episodes, with an answer of a tool behind the first token. The
    /// second prompt's first episode failed.
    private record Turns() implements RolloutSource {
        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> asked, long round, FinishedListener listener) {
            List<SampledCompletion> completions = new ArrayList<>();
            for (int i = 0; i < asked.size(); i++) {
                int[] ids = COMPLETIONS[i % 2];
                int[] rest = Arrays.copyOfRange(ids, 1, ids.length);
                var episode =
                        Episodes.of(asked.get(i).ids())
                                .turn(new int[] {ids[0]}, new int[] {5, ids[0]}, "f", "x")
                                .turn(rest, "answer");
                completions.add(
                        SampledCompletion.of(
                                episode.ended(i == 2 ? EndReason.FAILED : EndReason.ANSWERED),
                                i % 2 == 0 ? StopReason.MAX_TOKENS : StopReason.STOP_TOKEN));
            }
            return completions;
        }

        @Override
        public boolean isOnPolicy() {
            return true;
        }
    }

    private record Scripted() implements RolloutSource {
        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> asked, long round, FinishedListener listener) {
            List<SampledCompletion> completions = new ArrayList<>();
            for (int i = 0; i < asked.size(); i++) {
                int[] ids = COMPLETIONS[i % 2];
                completions.add(
                        new SampledCompletion(
                                ids,
                                new float[ids.length],
                                i % 2 == 0 ? StopReason.MAX_TOKENS : StopReason.STOP_TOKEN));
            }
            return completions;
        }

        @Override
        public boolean isOnPolicy() {
            return true;
        }
    }

    /// Completions are drawn from the table as it is.
    @Override
    public TrainerCase<PromptExample> trainerCase() {
        return new TrainerCase<>(
                GrpoTrainerTest.prompts(),
                () -> BigramPolicy.seeded(7, 1),
                given -> start(c -> c, given),
                given -> start(c -> c.withLoss(l -> l.withBeta(List.of(0.2))), given),
                "beta",
                List.of(b -> b.withPerDeviceTrainBatchSize(4).withGradientAccumulationSteps(1)),
                given -> start(c -> c, given.poisoned(3)),
                "data.jsonl:");
    }

    private float[] start(UnaryOperator<OnlineDpoConfig> change, Given<PromptExample> given) {
        JudgedPairs.trainer(
                        config(change)
                                .withTraining(t -> given.training().apply(ShortRun.twoByTwo(t))),
                        given.policy(),
                        new RoundInputs(
                                Optional.of(BigramPolicy.seeded(7, 2).frozen()),
                                given.writer().apply(new Bigrams(given.table())),
                                batch -> GrpoTrainerTest.wanted(batch.completions()),
                                TinyRollouts.tokenizer(),
                                given.rows(),
                                List.of()),
                        given.context())
                .train();
        return new float[0];
    }

    private RecordingListener train(
            UnaryOperator<OnlineDpoConfig> change, double[] rewards, int reference) {
        return train(change, rewards, reference, new Scripted());
    }

    private RecordingListener train(
            UnaryOperator<OnlineDpoConfig> change,
            double[] rewards,
            int reference,
            RolloutSource source) {
        var listener = new RecordingListener();
        Engine.run(
                () ->
                        JudgedPairs.trainer(
                                        config(change),
                                        BigramPolicy.seeded(VOCABULARY, 1),
                                        new RoundInputs(
                                                Optional.of(
                                                        BigramPolicy.seeded(VOCABULARY, reference)
                                                                .frozen()),
                                                source,
                                                batch -> table(batch.size(), rewards),
                                                TinyRollouts.tokenizer(),
                                                prompts(),
                                                List.of()),
                                        RunContext.of(_ -> {}).withListeners(listener))
                                .train());
        return listener;
    }

    private OnlineDpoConfig config(UnaryOperator<OnlineDpoConfig> change) {
        return change.apply(
                OnlineDpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("tiny"))
                        .withData(_ -> DataConfig.of("rows.jsonl").withShuffleDataset(false))
                        .withRewards(r -> r.withRewardFuncs(List.of("scripted")))
                        .withLoss(l -> l.withBeta(List.of(BETA)))
                        .withTraining(
                                t ->
                                        ShortRun.of(t, 3, 0.05, folder.resolve("out"))
                                                .withBatch(b -> b.withPerDeviceTrainBatchSize(2))));
    }

    private static RewardTable table(int size, double[] rewards) {
        double[][] values = new double[size][];
        for (int i = 0; i < size; i++) {
            values[i] = new double[] {rewards[i % 2]};
        }
        return RewardTable.of(List.of("scripted"), new double[] {1}, values);
    }

    /// Log-probability of a completion of the first prompt under a seeded model.
    private static double logProb(int seed, int[] completion) {
        var builder = TokenForest.builder();
        int[] ids = new int[completion.length + 1];
        ids[0] = 2;
        System.arraycopy(completion, 0, ids, 1, completion.length);
        int root = builder.root(ids);
        for (int t = 1; t < ids.length; t++) {
            builder.target(root, t);
        }
        float[] each =
                Engine.call(
                        () ->
                                BigramPolicy.seeded(VOCABULARY, seed)
                                        .measure(builder.build(), HeadRequest.of())
                                        .tokenLogProbs());
        double sum = 0;
        for (float one : each) {
            sum += one;
        }
        return sum;
    }

    @Test
    void firstStepIsTheFormulas() {
        Map<String, Object> log = train(c -> c, new double[] {1, 3}, 2).logs.getFirst();
        double chosen = logProb(1, COMPLETIONS[1]);
        double rejected = logProb(1, COMPLETIONS[0]);
        double chosenRatio = chosen - logProb(2, COMPLETIONS[1]);
        double rejectedRatio = rejected - logProb(2, COMPLETIONS[0]);
        double z = chosenRatio - rejectedRatio;
        double kl = (chosenRatio + rejectedRatio) / 2;
        assertEquals(Math.log1p(Math.exp(-BETA * z)), number(log, "loss"), 1e-6);
        assertEquals(chosen, number(log, "logps/chosen"), 1e-5);
        assertEquals(rejected, number(log, "logps/rejected"), 1e-5);
        assertEquals(BETA * chosenRatio, number(log, "rewards/chosen"), 1e-6);
        assertEquals(BETA * z, number(log, "rewards/margins"), 1e-6);
        assertEquals(z > 0 ? 1 : 0, number(log, "rewards/accuracies"));
        assertEquals(kl, number(log, "objective/kl"), 1e-5);
        assertEquals(2, number(log, "objective/scores"));
        assertEquals(2, number(log, "objective/scores_margin"));
        assertEquals(2 - BETA * kl, number(log, "objective/rlhf_reward"), 1e-5);
        assertEquals(-(chosen + rejected) / 2, number(log, "objective/entropy"), 1e-5);
        assertEquals(0.5, number(log, "val/contain_eos_token"));
        assertEquals(BETA, number(log, "beta"));
    }

    /// A bigram that reads the first token again behind the answer gives the rest of the completion
    /// the probabilities that it has without one.
    @Test
    void episodesAreLearnedByTheirOwnTokensAndPairsOfFailedOnesAreLeftOut() {
        Map<String, Object> log =
                train(c -> c, new double[] {1, 3}, 2, new Turns()).logs.getFirst();
        double chosen = logProb(1, COMPLETIONS[1]);
        double rejected = logProb(1, COMPLETIONS[0]);
        double z = chosen - logProb(2, COMPLETIONS[1]) - (rejected - logProb(2, COMPLETIONS[0]));
        assertEquals(Math.log1p(Math.exp(-BETA * z)), number(log, "loss"), 1e-6);
        assertEquals(chosen, number(log, "logps/chosen"), 1e-5);
        assertEquals(rejected, number(log, "logps/rejected"), 1e-5);
        assertEquals(0.25, number(log, "episodes/end/failed"));
    }

    /// Without the penalty the first completion would win, and equal ones are in their order.
    @Test
    void aCompletionWithoutEndLosesThePenalty() {
        int reference = 1;
        double first = logProb(1, COMPLETIONS[0]);
        double second = logProb(1, COMPLETIONS[1]);
        double[] rewards = {3, 2};
        assertEquals(
                first,
                number(train(c -> c, rewards, reference).logs.getFirst(), "logps/chosen"),
                1e-5);
        Map<String, Object> log =
                train(c -> c.withMissingEosPenalty(1.5), rewards, reference).logs.getFirst();
        assertEquals(second, number(log, "logps/chosen"), 1e-5);
        assertEquals(0.5, number(log, "objective/scores_margin"), 1e-9);
        assertEquals(
                first,
                number(
                        train(c -> c, new double[] {1, 1}, reference).logs.getFirst(),
                        "logps/chosen"),
                1e-5);
    }

    @Test
    void ipoIsNotDividedByLengthsAndBetaFollowsTheEpoch() {
        int reference = 1;
        List<Map<String, Object>> logs =
                train(
                                c ->
                                        c.withLoss(
                                                l ->
                                                        l.withLossType(OnlineLossType.IPO)
                                                                .withBeta(List.of(BETA, 0.2))),
                                new double[] {1, 3},
                                reference)
                        .logs;
        assertEquals(Math.pow(1 / (2 * BETA), 2), number(logs.getFirst(), "loss"), 1e-5);
        assertEquals(
                List.of(BETA, 0.2, 0.2), logs.stream().map(log -> number(log, "beta")).toList());
        assertTrue(number(logs.get(2), "rewards/margins") > 0, "the better one became likelier");
    }

    @Test
    void slopesAreDerivatives() {
        for (OnlineLossType type : OnlineLossType.values()) {
            OnlinePairLoss loss = OnlinePairLoss.of(type, BETA);
            for (double z : new double[] {-500, -2, 0, 0.7, 500}) {
                double h = 1e-5;
                double difference = (loss.of(z + h).loss() - loss.of(z - h).loss()) / (2 * h);
                assertEquals(difference, loss.of(z).slope(), 1e-4, type + " at " + z);
            }
        }
    }
}
