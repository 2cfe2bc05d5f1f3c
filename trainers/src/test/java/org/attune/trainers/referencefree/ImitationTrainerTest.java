package org.attune.trainers.referencefree;

import static org.attune.trainers.testing.BigramFormulas.gradientNorm;
import static org.attune.trainers.testing.BigramFormulas.logProb;
import static org.attune.trainers.testing.BigramFormulas.table;
import static org.attune.trainers.testing.RecordingListener.number;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.RunContext;
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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.ToDoubleFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/// On a model of bigrams, whose log-probabilities this class computes on its own.
class ImitationTrainerTest implements RowTrainerContract<ImitationPair> {
    private static final int VOCABULARY = 7;
    private static final int PAD = 6;

    @TempDir private Path folder;

    /// What of a row is imitated.
    private enum Kind {
        COMPLETION,
        ALL,
        NOTHING,
        THIRD
    }

    @Override
    public TrainerCase<ImitationPair> trainerCase() {
        return of(Kind.COMPLETION);
    }

    @Override
    public Map<String, TrainerCase<ImitationPair>> forms() {
        return Arrays.stream(Kind.values())
                .collect(Collectors.toMap(Kind::name, ImitationTrainerTest.this::of));
    }

    private TrainerCase<ImitationPair> of(Kind kind) {
        return new TrainerCase<>(
                rows(kind),
                () -> BigramPolicy.seeded(VOCABULARY, 1),
                given -> start(c -> c, given),
                given -> start(c -> c.withLoss(l -> l.withCpoAlpha(0.5)), given),
                "cpo_alpha",
                List.of(),
                given -> start(c -> c, given.poisoned(5)),
                "pairs.jsonl:3");
    }

    private float[] start(UnaryOperator<CpoConfig> change, Given<ImitationPair> given) {
        UnaryOperator<TrainingConfig> batches = t -> given.training().apply(ShortRun.twoByTwo(t));
        ImitationObjectives.cpo(
                        change.apply(cpo(batches)),
                        given.policy(),
                        given(given.rows()),
                        given.context())
                .train();
        return new float[0];
    }

    /// Two micro-batches of two pairs with unequal numbers of tokens. The loss is the mean of
    /// theirs.
    @Test
    void firstStepOfCpoIsTheFormula() {
        var listener = new RecordingListener();
        CpoConfig config = cpo(ImitationTrainerTest::twoTwice);
        train(config, rows(Kind.COMPLETION), listener);
        ToDoubleFunction<double[]> loss =
                table -> {
                    double sum = 0;
                    for (int m = 0; m < 2; m++) {
                        double pairs = 0;
                        double nll = 0;
                        int tokens = 0;
                        for (int i = 2 * m; i < 2 * m + 2; i++) {
                            PreferenceExample pair = rows(Kind.COMPLETION).get(i).pair();
                            double delta =
                                    logProb(table, pair.chosen()) - logProb(table, pair.rejected());
                            pairs += Math.log1p(Math.exp(-0.5 * delta)) / 2;
                            nll -= logProb(table, pair.chosen());
                            tokens += pair.chosen().trainedTokens();
                        }
                        sum += (pairs + 0.25 * nll / tokens) / 2;
                    }
                    return sum;
                };
        checkStep(loss, listener.logs.getFirst());
        double accuracies = number(listener.logs.getFirst(), "rewards/accuracies");
        double margins = number(listener.logs.getFirst(), "rewards/margins");
        double expected = 0;
        double right = 0;
        for (ImitationPair row : rows(Kind.COMPLETION)) {
            double delta =
                    logProb(table(1), row.pair().chosen())
                            - logProb(table(1), row.pair().rejected());
            expected += 0.5 * delta / 4;
            right += delta > 0 ? 0.25 : 0;
        }
        assertEquals(expected, margins, 1e-6);
        assertEquals(right, accuracies, 1e-6);
    }

    @Test
    void firstStepOfOrpoImitatesThePromptToo() {
        var listener = new RecordingListener();
        OrpoConfig config =
                OrpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("bigram"))
                        .withData(_ -> DataConfig.of("pairs.jsonl").withTestSplitSize(0.5))
                        .withLoss(l -> l.withBeta(0.3))
                        .withTraining(t -> ShortRun.of(t, 2, 5e-2, folder.resolve("orpo")));
        Engine.run(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        ImitationObjectives.orpo(
                                        config, policy, given(rows(Kind.ALL)), context(listener))
                                .train();
                    }
                });
        ToDoubleFunction<double[]> loss =
                table -> {
                    double pairs = 0;
                    double nll = 0;
                    int tokens = 0;
                    for (ImitationPair row : rows(Kind.ALL)) {
                        pairs +=
                                Math.log1p(
                                        Math.exp(
                                                logOdds(table, row.pair().rejected())
                                                        - logOdds(table, row.pair().chosen())));
                        nll -= logProb(table, new CompletionTokens(row.pair().chosen().ids(), 0));
                        tokens += row.pair().chosen().length() - 1;
                    }
                    return nll / tokens + 0.3 * pairs / 4;
                };
        checkStep(loss, listener.logs.getFirst());
        Map<String, Object> log = listener.logs.getFirst();
        double odds = 0;
        for (ImitationPair row : rows(Kind.ALL)) {
            odds +=
                    (logOdds(table(1), row.pair().chosen())
                                    - logOdds(table(1), row.pair().rejected()))
                            / 4;
        }
        assertEquals(odds, number(log, "log_odds_chosen"), 1e-6);
        assertTrue(number(log, "log_odds_ratio") < 0);
    }

    private static double logOdds(double[] table, CompletionTokens tokens) {
        double mean = logProb(table, tokens) / tokens.trainedTokens();
        return mean - Math.log1p(-Math.exp(mean));
    }

    @Test
    void firstStepOfTpoImitatesTheThirdAnswer() {
        var listener = new RecordingListener();
        trainTpo(0.5, rows(Kind.THIRD), listener);
        ToDoubleFunction<double[]> loss =
                table -> {
                    double pairs = 0;
                    double nll = 0;
                    int tokens = 0;
                    for (ImitationPair row : rows(Kind.THIRD)) {
                        CompletionTokens chosen = row.pair().chosen();
                        CompletionTokens rejected = row.pair().rejected();
                        double delta =
                                logProb(table, chosen) / chosen.trainedTokens()
                                        - logProb(table, rejected) / rejected.trainedTokens();
                        pairs += Math.log1p(Math.exp(1.5 - 2 * delta)) / 4;
                        nll -= logProb(table, row.imitated());
                        tokens += row.imitated().trainedTokens();
                    }
                    return pairs + 0.5 * nll / tokens;
                };
        checkStep(loss, listener.logs.getFirst());
        assertEquals(2 * 50, number(listener.logs.get(1), "num_tokens"), 0, "all three sequences");
    }

    private static void checkStep(ToDoubleFunction<double[]> loss, Map<String, Object> log) {
        assertEquals(loss.applyAsDouble(table(1)), number(log, "loss"), 1e-6);
        assertEquals(gradientNorm(loss), number(log, "grad_norm"), 1e-4);
    }

    @Test
    void withoutWeightNothingIsImitated() {
        var without = new RecordingListener();
        CpoConfig config = cpo(t -> t).withLoss(l -> l.withCpoAlpha(0));
        float[] one = train(config, rows(Kind.NOTHING), without);
        assertEquals(0, number(without.logs.getFirst(), "nll_loss"));
        CpoConfig alphaPo =
                config.withLoss(l -> l.withLossType(CpoLossType.ALPHAPO).withCpoAlpha(1));
        CpoConfig simPo = config.withLoss(l -> l.withLossType(CpoLossType.SIMPO));
        float[] shaped = train(alphaPo, rows(Kind.NOTHING), new RecordingListener());
        assertArrayEquals(
                shaped, train(simPo, rows(Kind.NOTHING), new RecordingListener()), 0, "alpha is 0");
        assertFalse(Arrays.equals(one, shaped));
    }

    @Test
    void learnsToPreferAndSaysSo() {
        var listener = new RecordingListener();
        CpoConfig simPo =
                cpo(t -> t.withSchedule(s -> s.withMaxSteps(40)))
                        .withLoss(l -> l.withLossType(CpoLossType.SIMPO).withBeta(2));
        train(simPo, rows(Kind.COMPLETION), listener);
        var heldout = listener.summary.heldout().orElseThrow();
        assertEquals("eval_preference_accuracy", heldout.metric());
        assertTrue(heldout.before().getAsDouble() < 1, "" + heldout);
        assertEquals(1, heldout.after().getAsDouble());
    }

    /// The longest sequence has 6 tokens: all positions count, and those that pad.
    @Test
    void logitsOfTrlAreMeansOverPaddedRows() {
        var listener = new RecordingListener();
        CpoConfig compat = cpo(t -> t).withRows(r -> r.withTrlCompat(true));
        float[] same = train(compat, rows(Kind.COMPLETION), listener);
        double sum = 0;
        for (ImitationPair row : rows(Kind.COMPLETION)) {
            int[] ids = Arrays.copyOf(row.pair().chosen().ids(), 6);
            Arrays.fill(ids, row.pair().chosen().length(), 6, PAD);
            for (int id : ids) {
                sum +=
                        Arrays.stream(table(1), id * VOCABULARY, (id + 1) * VOCABULARY)
                                .average()
                                .orElseThrow();
            }
        }
        assertEquals(sum / 24, number(listener.logs.getFirst(), "logits/chosen"), 1e-5);
        assertArrayEquals(
                same, train(cpo(t -> t), rows(Kind.COMPLETION), new RecordingListener()), 0);
    }

    @Test
    void optionsThatDoNotGoTogetherAreRefused() {
        refused(
                "label_smoothing: 0.1",
                l -> l.withLossType(CpoLossType.HINGE).withLabelSmoothing(0.1));
        refused("beta: 0.0", l -> l.withBeta(0));
        refused("cpo_alpha: -1.0", l -> l.withCpoAlpha(-1));
    }

    private void refused(String told, UnaryOperator<CpoLossConfig> change) {
        CpoConfig config = cpo(t -> t);
        CpoConfig changed = config.withLoss(change.apply(config.loss()));
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        train(
                                                changed,
                                                rows(Kind.COMPLETION),
                                                new RecordingListener()))
                        .getMessage();
        assertTrue(message.contains(told), message);
    }

    private static TrainingConfig twoTwice(TrainingConfig t) {
        return t.withBatch(b -> b.withPerDeviceTrainBatchSize(2).withGradientAccumulationSteps(2));
    }

    private static RunContext context(TrainingListener listener) {
        return RunContext.of(_ -> {}).withListeners(listener);
    }

    private static ImitationObjectives.Rows given(List<ImitationPair> rows) {
        return new ImitationObjectives.Rows(
                OptionalInt.of(PAD), rows, List.of(new EvalSet<>("", rows)));
    }

    private static float[] train(
            CpoConfig config, List<ImitationPair> rows, TrainingListener listener) {
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        ImitationObjectives.cpo(config, policy, given(rows), context(listener))
                                .train();
                        return policy.parameters().values().toFloats();
                    }
                });
    }

    private void trainTpo(double weight, List<ImitationPair> rows, TrainingListener listener) {
        TpoConfig config =
                TpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("bigram"))
                        .withData(_ -> DataConfig.of("pairs.jsonl").withTestSplitSize(0.5))
                        .withLoss(
                                l ->
                                        l.withLossType(TpoLossType.TPO_L)
                                                .withBeta(2)
                                                .withTpoLGamma(1.5)
                                                .withTpoAlpha(weight))
                        .withTraining(t -> ShortRun.of(t, 2, 5e-2, folder.resolve("tpo")));
        Engine.run(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        ImitationObjectives.tpo(config, policy, given(rows), context(listener))
                                .train();
                    }
                });
    }

    private CpoConfig cpo(UnaryOperator<TrainingConfig> change) {
        return cpo(change, "run");
    }

    /// 8 steps over all 4 pairs in file order, rate 0.05, β 0.5, weight ¼, everything logged.
    private CpoConfig cpo(UnaryOperator<TrainingConfig> change, String output) {
        return CpoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("bigram"))
                .withData(_ -> DataConfig.of("pairs.jsonl").withTestSplitSize(0.5))
                .withLoss(l -> l.withBeta(0.5).withCpoAlpha(0.25))
                .withTraining(t -> change.apply(ShortRun.of(t, 8, 5e-2, folder.resolve(output))));
    }

    /// Row 3 alone has a 5.
    private static List<ImitationPair> rows(Kind kind) {
        int[][][] ids = {
            {{1, 2, 4, 0}, {1, 2, 1, 3, 3, 0}, {1, 2, 3, 0}},
            {{4, 1, 0, 2, 0}, {4, 1, 3}, {4, 1, 1, 1, 0}},
            {{2, 5, 1, 0}, {2, 4, 0}, {2, 0}},
            {{3, 1, 2, 3, 4, 0}, {3, 1, 0}, {3, 1, 4, 0, 0}}
        };
        int[] starts = {2, 2, 1, 2};
        List<ImitationPair> rows = new ArrayList<>();
        for (int i = 0; i < ids.length; i++) {
            var chosen = new CompletionTokens(ids[i][0], starts[i]);
            var pair =
                    new PreferenceExample(
                            chosen,
                            new CompletionTokens(ids[i][1], starts[i]),
                            new RowOrigin("pairs.jsonl", i + 1, i));
            CompletionTokens imitated =
                    switch (kind) {
                        case COMPLETION -> chosen;
                        case ALL -> new CompletionTokens(chosen.ids(), 0);
                        case NOTHING -> new CompletionTokens(chosen.ids(), chosen.length());
                        case THIRD -> new CompletionTokens(ids[i][2], starts[i]);
                    };
            rows.add(new ImitationPair(pair, imitated, kind == Kind.THIRD));
        }
        return rows;
    }
}
