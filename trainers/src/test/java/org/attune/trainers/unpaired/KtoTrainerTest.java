package org.attune.trainers.unpaired;

import static org.attune.trainers.testing.BigramFormulas.gradientNorm;
import static org.attune.trainers.testing.BigramFormulas.logProb;
import static org.attune.trainers.testing.BigramFormulas.table;
import static org.attune.trainers.testing.RecordingListener.number;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;
import org.attune.policy.Scorer;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.KtoExample;
import org.attune.trainers.examples.UnpairedExample;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.ReferenceContract;
import org.attune.trainers.testing.RowTrainerContract;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TrainerCase;
import org.attune.trainers.testing.TrainerCase.Given;
import org.attune.trainers.testing.TrainerCase.Start;
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
class KtoTrainerTest implements RowTrainerContract<KtoExample>, ReferenceContract<KtoExample> {
    private static final int VOCABULARY = 7;
    private static final double BETA = 0.5;

    @TempDir private Path folder;

    /// Mismatched completions, which the point of reference comes from, change places by three.
    @Override
    public TrainerCase<KtoExample> trainerCase() {
        return new TrainerCase<>(
                rows(3),
                () -> BigramPolicy.seeded(VOCABULARY, 1),
                given -> start(c -> c, reference(), given),
                given -> start(c -> c.withLoss(l -> l.withDesirableWeight(2)), reference(), given),
                "desirable_weight",
                List.of(),
                given ->
                        start(
                                c -> c.withLoss(l -> l.withLossType(KtoLossType.APO_ZERO_UNPAIRED)),
                                reference(),
                                given.poisoned(5)),
                "rows.jsonl:3");
    }

    @Override
    public Start<KtoExample> precomputed(Scorer reference) {
        return given ->
                start(
                        c -> c.withReference(r -> r.withPrecomputeRefLogProbs(true)),
                        reference,
                        given);
    }

    private float[] start(
            UnaryOperator<KtoConfig> change, Scorer reference, Given<KtoExample> given) {
        KtoObjective.trainer(
                        change.apply(config(t -> given.training().apply(ShortRun.twoByTwo(t)))),
                        given.policy(),
                        reference,
                        given.rows(),
                        List.of(new EvalSet<>("", rows(3))),
                        given.context())
                .train();
        return new float[0];
    }

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
        assertEquals(gradientNorm(t -> loss(t, points)), number(log, "grad_norm"), 1e-4);
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
        var tokens = new CompletionTokens(ids, start);
        return logProb(table, tokens) - logProb(table(2), tokens);
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
}
