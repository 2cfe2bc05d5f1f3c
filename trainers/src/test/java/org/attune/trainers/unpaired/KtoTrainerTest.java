package org.attune.trainers.unpaired;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.examples.CompletionTokens;
import org.attune.datasets.examples.KtoExample;
import org.attune.datasets.examples.UnpairedExample;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;
import org.attune.error.TrainingDivergedException;
import org.attune.policy.Scorer;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SamplingStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.ShortRun;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/// On a model of bigrams, whose log-probabilities this class computes on its own.
class KtoTrainerTest {
    private static final int VOCABULARY = 7;
    private static final double BETA = 0.5;

    @TempDir private Path folder;

    /// Two micro-batches of three rows, each with its own reference point.
    @Test
    void firstStepIsTheFormulas() {
        var listener = new RecordingListener();
        train(config(KtoTrainerTest::threeTwice), listener);
        Map<String, Object> log = listener.logs.getFirst();
        double[] points = points(table(1));
        assertTrue(points[0] > 0 || points[1] > 0, Arrays.toString(points));
        assertEquals(loss(table(1), points), number(log, "loss"), 1e-6);
        assertEquals((points[0] + points[1]) / 2, number(log, "kl"), 1e-5);
        double[] d = logRatios(table(1));
        double chosen = BETA * ((d[0] + d[2]) / 2 + d[3]) / 2; // a mean of the micro-batches' means
        double rejected = BETA * (d[1] + (d[4] + d[5]) / 2) / 2;
        assertEquals(chosen, number(log, "rewards/chosen"), 1e-6);
        assertEquals(rejected, number(log, "rewards/rejected"), 1e-6);
        assertEquals(chosen - rejected, number(log, "rewards/margins"), 1e-6);
        assertEquals(gradientNorm(points), number(log, "grad_norm"), 1e-4);
    }

    /// Central differences of the loss with the points held, in double.
    private static double gradientNorm(double[] points) {
        double h = 1e-6;
        double squares = 0;
        for (int i = 0; i < VOCABULARY * VOCABULARY; i++) {
            double[] up = table(1);
            double[] down = table(1);
            up[i] += h;
            down[i] -= h;
            double slope = (loss(up, points) - loss(down, points)) / (2 * h);
            squares += slope * slope;
        }
        return Math.sqrt(squares);
    }

    @Test
    void withoutAnEstimateTheReferenceItselfIsThePoint() {
        var listener = new RecordingListener();
        KtoConfig config =
                config(KtoTrainerTest::threeTwice)
                        .withLoss(l -> l.withLossType(KtoLossType.APO_ZERO_UNPAIRED));
        train(config, listener);
        Map<String, Object> log = listener.logs.getFirst();
        assertEquals(0, number(log, "kl"));
        assertEquals(loss(table(1), new double[] {0, 0}), number(log, "loss"), 1e-6);
    }

    @Test
    void marginsNeedBothLabels() {
        var listener = new RecordingListener();
        train(config(t -> t.withBatch(b -> b.withPerDeviceTrainBatchSize(2))), listener);
        Map<String, Object> bad = listener.logs.get(2); // rows 5 and 6
        assertFalse(bad.containsKey("rewards/chosen"), bad.toString());
        assertFalse(bad.containsKey("rewards/margins"), bad.toString());
        assertTrue(bad.containsKey("rewards/rejected"), bad.toString());
    }

    @Test
    void learnsToTellLabelsApartAndSaysSo() {
        var listener = new RecordingListener();
        train(config(t -> t.withSchedule(s -> s.withMaxSteps(100))), listener);
        RunSummary.Heldout heldout = listener.summary.heldout().orElseThrow();
        assertEquals("eval_accuracy", heldout.metric());
        assertTrue(heldout.before().getAsDouble() < 1, "" + heldout);
        assertEquals(1, heldout.after().getAsDouble());
    }

    /// The block of a reference point is logical, whatever is computed at once.
    @Test
    void physicalGroupsDoNotChangeTheResult() {
        var whole = new RecordingListener();
        float[] together = train(config(KtoTrainerTest::threeTwice), whole);
        for (int tokens : new int[] {1, 6, 9, 13}) {
            var listener = new RecordingListener();
            float[] cut =
                    train(
                            config(
                                    t ->
                                            threeTwice(t)
                                                    .withBatch(
                                                            b ->
                                                                    b.withTokensPerMicroBatch(
                                                                            tokens))),
                            listener);
            assertArrayEquals(together, cut, 1e-5f);
            for (int i = 0; i < whole.logs.size(); i++) {
                for (String key : List.of("loss", "kl", "rewards/margins", "logits/chosen")) {
                    double want = number(whole.logs.get(i), key);
                    assertEquals(want, number(listener.logs.get(i), key), 1e-5, key);
                }
            }
        }
    }

    /// In any order a row keeps its mismatched completion, so those of an epoch's first step are
    /// the same.
    @Test
    void rowsInAnyOrderKeepTheirMismatchedCompletions() {
        var sequential = new RecordingListener();
        train(config(t -> t), sequential);
        var random = new RecordingListener();
        train(
                config(t -> t.withBatch(b -> b.withTrainSamplingStrategy(SamplingStrategy.RANDOM))),
                random);
        for (String key : List.of("loss", "kl", "grad_norm")) {
            assertEquals(
                    number(sequential.logs.getFirst(), key),
                    number(random.logs.getFirst(), key),
                    1e-5,
                    key);
        }
    }

    @Test
    void killedRunResumesWithEveryBit() {
        UnaryOperator<TrainingConfig> saving = t -> threeTwice(t).withSave(s -> s.withSaveSteps(3));
        var whole = new RecordingListener();
        float[] expected = train(config(saving, "whole"), whole);
        TrainingListener killer =
                new TrainingListener() {
                    @Override
                    public void onLog(int step, Map<String, Object> metrics) {
                        if (step == 5) {
                            throw new IllegalStateException("killed");
                        }
                    }
                };
        KtoConfig halves = config(saving, "halves");
        assertThrows(IllegalStateException.class, () -> train(halves, killer));
        var rest = new RecordingListener();
        KtoConfig resuming =
                halves.withTraining(t -> t.withSave(s -> s.withResume(new Resume.Latest())));
        assertArrayEquals(expected, train(resuming, rest), 0);
        assertEquals(3, rest.info.firstStep());
        for (String key : List.of("loss", "kl", "grad_norm", "rewards/margins")) {
            assertEquals(whole.logs.get(3).get(key), rest.logs.getFirst().get(key), key);
        }
    }

    /// Mismatched completions have a separate file.
    @Test
    void precomputedReferenceIsReadFromDiskTheSecondTime() {
        KtoConfig precomputed =
                config(t -> t).withReference(r -> r.withPrecomputeRefLogProbs(true));
        float[] live = train(config(t -> t), new RecordingListener());
        assertArrayEquals(live, train(precomputed, new RecordingListener()), 0);
        Scorer never =
                (_, _) -> {
                    throw new AssertionError("scored again");
                };
        assertArrayEquals(live, train(precomputed, never, new RecordingListener()), 0);
    }

    @Test
    void nonFiniteLossNamesTheRow() {
        Engine.run(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        policy.poison(5);
                        var trainer =
                                KtoObjective.trainer(
                                        config(t -> t)
                                                .withLoss(
                                                        l ->
                                                                l.withLossType(
                                                                        KtoLossType
                                                                                .APO_ZERO_UNPAIRED)),
                                        policy,
                                        policy.frozen(),
                                        rows(6),
                                        List.of(),
                                        RunContext.of(_ -> {}));
                        var error = assertThrows(TrainingDivergedException.class, trainer::train);
                        assertTrue(error.getMessage().contains("rows.jsonl:3"), "" + error);
                    }
                });
    }

    @Test
    void oneRowAtATimeCanNotEstimateADivergence() {
        UnaryOperator<TrainingConfig> one = t -> t.withBatch(b -> b.withPerDeviceTrainBatchSize(1));
        var error =
                assertThrows(
                        ConfigException.class, () -> train(config(one), new RecordingListener()));
        assertTrue(error.getMessage().contains("per_device_train_batch_size: 1"), "" + error);
        var listener = new RecordingListener();
        train(config(one).withLoss(l -> l.withLossType(KtoLossType.APO_ZERO_UNPAIRED)), listener);
        assertEquals(8, listener.logs.size());
    }

    private static TrainingConfig threeTwice(TrainingConfig t) {
        return t.withBatch(b -> b.withPerDeviceTrainBatchSize(3).withGradientAccumulationSteps(2));
    }

    private float[] train(KtoConfig config, TrainingListener listener) {
        Scorer reference = Engine.call(() -> BigramPolicy.seeded(VOCABULARY, 2).frozen());
        return train(config, reference, listener);
    }

    private static float[] train(KtoConfig config, Scorer reference, TrainingListener listener) {
        List<KtoExample> rows = rows(config.mismatchedRows().orElse(6));
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        KtoObjective.trainer(
                                        config,
                                        policy,
                                        reference,
                                        rows,
                                        List.of(new EvalSet<>("", rows)),
                                        RunContext.of(_ -> {}).withListeners(listener))
                                .train();
                        return policy.parameters().values().toFloats();
                    }
                });
    }

    private KtoConfig config(UnaryOperator<TrainingConfig> change) {
        return config(change, "run");
    }

    /// 8 steps over all 6 rows in file order, rate 0.05, β 0.5, everything logged.
    private KtoConfig config(UnaryOperator<TrainingConfig> change, String output) {
        return KtoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("bigram"))
                .withData(_ -> DataConfig.of("rows.jsonl").withTestSplitSize(0.5))
                .withLoss(l -> l.withBeta(BETA))
                .withTraining(t -> change.apply(ShortRun.of(t, 8, 5e-2, folder.resolve(output))));
    }

    private static final int[][] IDS = {
        {1, 2, 4, 0}, {2, 1, 3}, {4, 1, 0, 5, 0}, {1, 2, 0}, {4, 4, 3}, {3, 1, 2, 3}
    };
    private static final int[] STARTS = {2, 1, 2, 1, 1, 2};
    private static final boolean[] LABELS = {true, false, true, true, false, false};

    /// Prompts of one or two tokens. Row 3 alone has a 5.
    ///
    /// @param block rows within which completions change places
    private static List<KtoExample> rows(int block) {
        List<KtoExample> rows = new ArrayList<>();
        for (int i = 0; i < IDS.length; i++) {
            rows.add(
                    new KtoExample(
                            new UnpairedExample(
                                    new CompletionTokens(IDS[i], STARTS[i]),
                                    LABELS[i],
                                    new RowOrigin("rows.jsonl", i + 1, i)),
                            Optional.of(
                                    new CompletionTokens(
                                            swapped(i, before(i, block)), STARTS[i]))));
        }
        return rows;
    }

    private static int before(int i, int block) {
        return i % block > 0 ? i - 1 : Math.min(i + block, IDS.length) - 1;
    }

    private static int[] swapped(int prompt, int completion) {
        return IntStream.concat(
                        Arrays.stream(IDS[prompt], 0, STARTS[prompt]),
                        Arrays.stream(IDS[completion], STARTS[completion], IDS[completion].length))
                .toArray();
    }

    private static double[] table(int seed) {
        return IntStream.range(0, VOCABULARY * VOCABULARY)
                .mapToDouble(i -> (float) Math.sin(12.9898 * (i + 1) + 78.233 * seed))
                .toArray();
    }

    private static double[] logRatios(double[] table) {
        return IntStream.range(0, 6).mapToDouble(i -> logRatio(table, IDS[i], STARTS[i])).toArray();
    }

    /// Reference points of the two blocks of three rows.
    private static double[] points(double[] table) {
        double[] points = new double[2];
        for (int i = 0; i < 6; i++) {
            points[i / 3] += logRatio(table, swapped(i, before(i, 3)), STARTS[i]) / 3;
        }
        return Arrays.stream(points).map(p -> Math.max(0, p)).toArray();
    }

    private static double logRatio(double[] table, int[] ids, int start) {
        return logProb(table, ids, start) - logProb(table(2), ids, start);
    }

    private static double logProb(double[] table, int[] ids, int start) {
        double sum = 0;
        for (int t = start; t < ids.length; t++) {
            int base = ids[t - 1] * VOCABULARY;
            double norm = Arrays.stream(table, base, base + VOCABULARY).map(Math::exp).sum();
            sum += table[base + ids[t]] - Math.log(norm);
        }
        return sum;
    }

    /// Mean of 1 − σ(±β (d − z)).
    private static double loss(double[] table, double[] points) {
        double[] d = logRatios(table);
        double sum = 0;
        for (int i = 0; i < 6; i++) {
            double gain = BETA * (d[i] - points[i / 3]);
            sum += 1 / (1 + Math.exp(LABELS[i] ? gain : -gain));
        }
        return sum / 6;
    }

    private static double number(Map<String, Object> metrics, String key) {
        return ((Number) metrics.get(key)).doubleValue();
    }
}
