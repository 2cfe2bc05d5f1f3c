package org.attune.trainers.scoring;

import static org.attune.trainers.testing.RecordingListener.number;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.RowOrigin;
import org.attune.policy.CausalPolicy;
import org.attune.policy.HeadRequest;
import org.attune.policy.Policy;
import org.attune.policy.TokenForest;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.examples.RewardExample;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.RowTrainerContract;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TrainerCase;
import org.attune.trainers.testing.TrainerCase.Given;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

class RewardTrainerTest implements RowTrainerContract<RewardExample> {
    @TempDir private Path folder;

    /// A table's scores depend on the last token alone. Only the third pair has a 6.
    @Override
    public TrainerCase<RewardExample> trainerCase() {
        int[][][] ids = {
            {{1, 2, 4, 0}, {1, 2, 5}},
            {{2, 1, 3, 4}, {2, 1}},
            {{4, 5, 6}, {4, 5, 0}},
            {{0, 2, 3}, {5, 4, 1, 2}},
            {{3, 1}, {3, 5}},
            {{1, 0, 2, 5}, {1, 0, 4}}
        };
        return new TrainerCase<>(
                pairs(ids),
                () -> BigramPolicy.seeded(7, 1),
                given -> start(c -> c, given),
                given -> start(c -> c.withLoss(l -> l.withCenterRewardsCoefficient(0.5)), given),
                "center_rewards_coefficient",
                ShortRun.CUTS,
                given -> start(c -> c, given.poisoned(6)),
                "pairs.jsonl:3");
    }

    private float[] start(UnaryOperator<RewardTrainerConfig> change, Given<RewardExample> given) {
        RewardObjective.trainer(
                        config(change)
                                .withTraining(t -> given.training().apply(ShortRun.twoByTwo(t))),
                        given.policy(),
                        given.rows(),
                        List.of(new EvalSet<>("", given.rows().subList(0, 3))),
                        given.context())
                .train();
        return new float[0];
    }

    @Test
    void firstLossAndMetricsAreThoseOfScoresTakenAlone() {
        double[][] scores = Engine.call(RewardTrainerTest::scoresAlone);
        double loss = 0;
        double margin = 0;
        double least = Double.POSITIVE_INFINITY;
        double right = 0;
        List<RewardExample> pairs = pairs();
        for (int i = 0; i < scores.length; i++) {
            double d = scores[i][0] - scores[i][1];
            double sum = scores[i][0] + scores[i][1];
            loss += (Math.log1p(Math.exp(pairs.get(i).margin() - d)) + 0.5 * sum * sum);
            margin += d;
            least = Math.min(least, Math.min(scores[i][0], scores[i][1]));
            right += d > 0 ? 1 : 0;
        }
        var listener = new RecordingListener();
        train(config(c -> c.withLoss(l -> l.withCenterRewardsCoefficient(0.5))), listener);
        Map<String, Object> first = listener.logs.getFirst();
        assertEquals(loss / scores.length, number(first, "loss"), 1e-5);
        assertEquals(margin / scores.length, number(first, "margin"), 1e-5);
        assertEquals(least, number(first, "min_reward"), 1e-5);
        assertEquals(right / scores.length, number(first, "accuracy"), 1e-9);
    }

    @Test
    void learnsThePairsAndSaysSoInTheSummary() {
        var listener = new RecordingListener();
        train(config(c -> c), listener);
        assertTrue(number(listener.logs.getLast(), "loss") < 0.3, "" + listener.logs.getLast());
        assertEquals(1, number(listener.logs.getLast(), "accuracy"));
        RunSummary.Heldout heldout = listener.summary.heldout().orElseThrow();
        assertEquals("eval_preference_accuracy", heldout.metric());
        assertTrue(heldout.before().getAsDouble() < 1);
        assertEquals(1, heldout.after().getAsDouble());
    }

    private static float[] train(RewardTrainerConfig config, TrainingListener listener) {
        return Engine.call(
                () -> {
                    try (var decoder = TinyModels.decoder(TinyModels.llama().withLabels(1));
                            CausalPolicy policy =
                                    Policy.withAllWeights(decoder, Policy.Options.defaults())) {
                        RewardObjective.trainer(
                                        config,
                                        policy,
                                        pairs(),
                                        List.of(new EvalSet<>("", pairs())),
                                        RunContext.of(_ -> {}).withListeners(listener))
                                .train();
                        return policy.parameters().values().toFloats();
                    }
                });
    }

    /// Chosen and rejected score of each pair, every sequence in its own forest.
    private static double[][] scoresAlone() {
        try (var decoder = TinyModels.decoder(TinyModels.llama().withLabels(1));
                var policy = Policy.withAllWeights(decoder, Policy.Options.defaults())) {
            List<RewardExample> pairs = pairs();
            double[][] scores = new double[pairs.size()][];
            for (int i = 0; i < scores.length; i++) {
                PreferenceExample pair = pairs.get(i).pair();
                scores[i] =
                        new double[] {
                            score(policy, pair.chosen().ids()), score(policy, pair.rejected().ids())
                        };
            }
            return scores;
        }
    }

    private static double score(Policy policy, int[] ids) {
        var builder = TokenForest.builder();
        builder.score(builder.root(ids), 0);
        return policy.measure(builder.build(), HeadRequest.of()).tokenLogProbs()[0];
    }

    private RewardTrainerConfig config(UnaryOperator<RewardTrainerConfig> change) {
        return config(change, "run");
    }

    /// 20 steps over all pairs in file order, everything logged.
    private RewardTrainerConfig config(UnaryOperator<RewardTrainerConfig> change, String output) {
        return change.apply(
                RewardTrainerConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("tiny"))
                        .withData(_ -> DataConfig.of("pairs.jsonl").withTestSplitSize(0.5))
                        .withTraining(t -> ShortRun.of(t, 20, 3e-3, folder.resolve(output))));
    }

    /// The chosen side of the second pair continues the rejected one; that of the last has nothing
    /// in common with it.
    private static List<RewardExample> pairs() {
        int[][][] ids = {
            {{1, 2, 4, 9}, {1, 2, 5, 3, 8}},
            {{2, 6, 7, 11}, {2, 6}},
            {{4, 5, 12, 1}, {4, 5, 13}},
            {{14, 2, 3}, {15, 7, 6, 9}},
        };
        return pairs(ids);
    }

    private static List<RewardExample> pairs(int[][][] ids) {
        List<RewardExample> pairs = new ArrayList<>();
        for (int i = 0; i < ids.length; i++) {
            pairs.add(
                    new RewardExample(
                            new PreferenceExample(
                                    new CompletionTokens(ids[i][0], 1),
                                    new CompletionTokens(ids[i][1], 1),
                                    new RowOrigin("pairs.jsonl", i + 1, i)),
                            0.25 * i));
        }
        return pairs;
    }
}
