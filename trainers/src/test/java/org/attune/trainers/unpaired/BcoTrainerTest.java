package org.attune.trainers.unpaired;

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
import org.attune.policy.Scorer;
import org.attune.tensor.Engine;
import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.batch.RowOrder;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.IntervalStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.UnpairedExample;
import org.attune.trainers.layout.UnpairedForest;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.step.Trainer;
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
import java.util.OptionalInt;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/// On a model of bigrams, whose log-probabilities this class computes on its own.
class BcoTrainerTest
        implements RowTrainerContract<UnpairedExample>, ReferenceContract<UnpairedExample> {
    private static final int VOCABULARY = 7;
    private static final double BETA = 0.5;
    private static final int PAD = 6;

    @TempDir private Path folder;

    /// δ is a running mean over all steps, so it is part of what a run goes on with.
    @Override
    public TrainerCase<UnpairedExample> trainerCase() {
        return new TrainerCase<>(
                rows(),
                () -> BigramPolicy.seeded(VOCABULARY, 1),
                given -> start(c -> c, reference(), given),
                given -> start(c -> c.withLoss(l -> l.withDesirableWeight(2)), reference(), given),
                "desirable_weight",
                List.of(),
                given -> start(c -> c, reference(), given.poisoned(5)),
                "rows.jsonl:3");
    }

    @Override
    public Start<UnpairedExample> precomputed(Scorer reference) {
        return given ->
                start(
                        c -> c.withReference(r -> r.withPrecomputeRefLogProbs(true)),
                        reference,
                        given);
    }

    private float[] start(
            UnaryOperator<BcoConfig> change, Scorer reference, Given<UnpairedExample> given) {
        BcoObjective.trainer(
                        change.apply(config(t -> given.training().apply(ShortRun.twoByTwo(t)))),
                        given.policy(),
                        reference,
                        OptionalInt.of(PAD),
                        given.rows(),
                        List.of(new EvalSet<>("", rows())),
                        given.context())
                .train();
        return new float[0];
    }

    /// Two micro-batches of three rows: δ is the mean of the first three rewards for the first one,
    /// of all six for the second.
    @Test
    void firstStepIsTheFormulas() {
        var listener = new RecordingListener();
        train(config(BcoTrainerTest::threeTwice), listener);
        Map<String, Object> log = listener.logs.getFirst();
        double[] r = rewards(table(1));
        double first = (r[0] + r[1] + r[2]) / 3;
        double second = Arrays.stream(r).sum() / 6;
        double[] deltas = {first, first, first, second, second, second};
        assertEquals(loss(r, deltas), number(log, "loss"), 1e-6);
        assertEquals((first + second) / 2, number(log, "delta"), 1e-6);
        double chosen = (r[0] + r[2] + r[3]) / 3;
        double rejected = (r[1] + r[4] + r[5]) / 3;
        assertEquals(chosen, number(log, "rewards/chosen"), 1e-6);
        assertEquals(rejected, number(log, "rewards/rejected"), 1e-6);
        assertEquals(chosen - rejected, number(log, "rewards/margins"), 1e-6);
        double[] table = table(1);
        assertEquals(
                (logProb(table, rows().get(0).tokens())
                                + logProb(table, rows().get(2).tokens())
                                + logProb(table, rows().get(3).tokens()))
                        / 3,
                number(log, "logps/chosen"),
                1e-5);
        assertEquals(gradientNorm(t -> loss(rewards(t), deltas)), number(log, "grad_norm"), 1e-4);
    }

    @Test
    void deltaIsTheMeanOverAllSteps() {
        var still = new RecordingListener();
        train(config(t -> t.withOptimizer(o -> o.withLearningRate(0))), still);
        double mean = Arrays.stream(rewards(table(1))).average().orElseThrow();
        still.logs.forEach(log -> assertEquals(mean, number(log, "delta"), 1e-6));
        var one = new RecordingListener();
        train(
                config(
                        t ->
                                t.withOptimizer(o -> o.withLearningRate(0))
                                        .withBatch(b -> b.withPerDeviceTrainBatchSize(1))),
                one);
        double[] r = rewards(table(1));
        assertEquals((r[0] + r[1] + r[2]) / 3, number(one.logs.get(2), "delta"), 1e-6);
        assertFalse(one.logs.get(1).containsKey("rewards/chosen"), "row 2 is not desirable");
        assertFalse(one.logs.get(1).containsKey("rewards/margins"));
    }

    @Test
    void learnsToTellLabelsApartAndSaysSo() {
        var listener = new RecordingListener();
        train(config(t -> t.withSchedule(s -> s.withMaxSteps(40))), listener);
        RunSummary.Heldout heldout = listener.summary.heldout().orElseThrow();
        assertEquals("eval_accuracy", heldout.metric());
        assertTrue(heldout.before().getAsDouble() < 1, "" + heldout);
        assertEquals(1, heldout.after().getAsDouble());
    }

    /// Batches of four and two rows, with three desirable rows and none.
    @Test
    void rewardsAreMeansOverRowsNotOverSteps() {
        var listener = new RecordingListener();
        train(
                config(
                        t ->
                                t.withOptimizer(o -> o.withLearningRate(0))
                                        .withBatch(b -> b.withPerDeviceTrainBatchSize(4))
                                        .withSchedule(s -> s.withMaxSteps(2))
                                        .withLog(l -> l.withLoggingSteps(2))),
                listener);
        double[] r = rewards(table(1));
        assertEquals(
                (r[0] + r[2] + r[3]) / 3,
                number(listener.logs.getFirst(), "rewards/chosen"),
                1e-6,
                "3 rows in the first step, none in the second");
    }

    @Test
    void evaluationsHaveTheDeltaOfTheirStep() {
        var listener = new RecordingListener();
        train(
                config(
                        t ->
                                t.withEval(
                                        e ->
                                                e.withEvalStrategy(IntervalStrategy.STEPS)
                                                        .withEvalSteps(1))),
                listener);
        for (int i = 0; i < 8; i++) { // an evaluation before the first step comes on top
            Object delta = listener.logs.get(i).get("delta");
            assertEquals(delta, listener.evaluations.get(i + 1).get("eval_delta"));
        }
    }

    @Test
    void weightsOfZeroLeaveALabelOut() {
        var listener = new RecordingListener();
        train(config(t -> t).withLoss(l -> l.withUndesirableWeight(0)), listener);
        double[] r = rewards(table(1));
        double delta = Arrays.stream(r).average().orElseThrow();
        double loss = 0;
        for (int i : new int[] {0, 2, 3}) {
            loss += Math.log1p(Math.exp(delta - r[i])) / 6;
        }
        assertEquals(loss, number(listener.logs.getFirst(), "loss"), 1e-6);
    }

    /// Rows have 4, 3, 5, 3, 3 and 4 tokens: all positions count, and those that pad to 5.
    @Test
    void logitsOfTrlAreSumsOverPaddedRows() {
        var listener = new RecordingListener();
        train(config(t -> t).withLoss(l -> l.withTrlCompat(true)), listener);
        double chosen = (paddedLogits(0) + paddedLogits(2) + paddedLogits(3)) / 3;
        assertEquals(chosen, number(listener.logs.getFirst(), "logits/chosen"), 1e-5);
        var plain = new RecordingListener();
        float[] same = train(config(t -> t), plain);
        assertArrayEquals(
                same, train(config(t -> t).withLoss(l -> l.withTrlCompat(true)), plain), 0);
    }

    private static double paddedLogits(int row) {
        double[] table = table(1);
        int[] ids = Arrays.copyOf(rows().get(row).tokens().ids(), 5);
        Arrays.fill(ids, rows().get(row).length(), 5, PAD);
        return IntStream.of(ids)
                .mapToDouble(
                        id -> Arrays.stream(table, id * VOCABULARY, (id + 1) * VOCABULARY).sum())
                .sum();
    }

    @Test
    void logitsOfTrlNeedAPaddingToken() {
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        BcoObjective.trainer(
                                                config(t -> t).withLoss(l -> l.withTrlCompat(true)),
                                                null,
                                                (_, _) -> null,
                                                OptionalInt.empty(),
                                                rows(),
                                                List.of(),
                                                RunContext.of(_ -> {})))
                        .getMessage();
        assertTrue(message.contains("trl_compat"), message);
    }

    @Test
    void labelsThatTeachLittleAreWarnedOf() {
        List<UnpairedExample> rows = rows();
        var plan = new BatchPlan(6, 3, 1, false, new RowOrder.Sequential());
        assertTrue(LabelAdvice.warning("BCO", rows, plan).isEmpty());
        List<UnpairedExample> good = rows.stream().filter(UnpairedExample::desirable).toList();
        var three = new BatchPlan(3, 3, 1, false, new RowOrder.Sequential());
        assertTrue(LabelAdvice.warning("BCO", good, three).orElseThrow().contains("label true"));
        List<UnpairedExample> sorted = new ArrayList<>(good);
        rows.stream().filter(r -> !r.desirable()).forEach(sorted::add);
        assertTrue(
                LabelAdvice.warning("BCO", sorted, plan)
                        .orElseThrow()
                        .contains("2 of the first 2 steps"));
    }

    @Test
    void valuesOutsideTheirRangesAreRefused() {
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        train(
                                                config(t -> t)
                                                        .withLoss(
                                                                l ->
                                                                        l.withBeta(0)
                                                                                .withDesirableWeight(
                                                                                        -1)),
                                                new RecordingListener()))
                        .getMessage();
        assertTrue(message.contains("beta: 0.0"), message);
        assertTrue(message.contains("desirable_weight: -1.0"), message);
    }

    private static TrainingConfig threeTwice(TrainingConfig t) {
        return t.withBatch(b -> b.withPerDeviceTrainBatchSize(3).withGradientAccumulationSteps(2));
    }

    private float[] train(BcoConfig config, TrainingListener listener) {
        Scorer reference = Engine.call(() -> BigramPolicy.seeded(VOCABULARY, 2).frozen());
        return train(config, rows(), reference, listener);
    }

    private static float[] train(
            BcoConfig config,
            List<UnpairedExample> rows,
            Scorer reference,
            TrainingListener listener) {
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        trainer(config, rows, policy, reference, listener).train();
                        return policy.parameters().values().toFloats();
                    }
                });
    }

    private static Trainer<UnpairedExample, UnpairedForest> trainer(
            BcoConfig config,
            List<UnpairedExample> rows,
            BigramPolicy policy,
            Scorer reference,
            TrainingListener listener) {
        RunContext context = RunContext.of(_ -> {});
        return BcoObjective.trainer(
                config,
                policy,
                reference,
                OptionalInt.of(PAD),
                rows,
                listener == null ? List.of() : List.of(new EvalSet<>("", rows)),
                listener == null ? context : context.withListeners(listener));
    }

    private BcoConfig config(UnaryOperator<TrainingConfig> change) {
        return config(change, "run");
    }

    /// 8 steps over all 6 rows in file order, rate 0.05, β 0.5, everything logged.
    private BcoConfig config(UnaryOperator<TrainingConfig> change, String output) {
        return BcoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("bigram"))
                .withData(_ -> DataConfig.of("rows.jsonl").withTestSplitSize(0.5))
                .withLoss(l -> l.withBeta(BETA))
                .withTraining(t -> change.apply(ShortRun.of(t, 8, 5e-2, folder.resolve(output))));
    }

    /// Prompts of one or two tokens. Rows 1, 3 and 4 are desirable; row 3 alone has a 5.
    private static List<UnpairedExample> rows() {
        int[][] ids = {
            {1, 2, 4, 0}, {2, 1, 3}, {4, 1, 0, 5, 0}, {1, 2, 0}, {4, 4, 3}, {3, 1, 2, 3}
        };
        int[] starts = {2, 1, 2, 1, 1, 2};
        boolean[] labels = {true, false, true, true, false, false};
        List<UnpairedExample> rows = new ArrayList<>();
        for (int i = 0; i < ids.length; i++) {
            rows.add(
                    new UnpairedExample(
                            new CompletionTokens(ids[i], starts[i]),
                            labels[i],
                            new RowOrigin("rows.jsonl", i + 1, i)));
        }
        return rows;
    }

    private static double[] rewards(double[] table) {
        return IntStream.range(0, 6)
                .mapToDouble(
                        i ->
                                BETA
                                        * (logProb(table, rows().get(i).tokens())
                                                - logProb(table(2), rows().get(i).tokens())))
                .toArray();
    }

    /// Mean of −log σ(±(r − δ)).
    private static double loss(double[] rewards, double[] deltas) {
        double sum = 0;
        for (int i = 0; i < 6; i++) {
            double logit = rewards[i] - deltas[i];
            sum += Math.log1p(Math.exp(rows().get(i).desirable() ? -logit : logit));
        }
        return sum / 6;
    }
}
