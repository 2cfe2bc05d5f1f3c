package org.attune.trainers.sft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.examples.PackedRow;
import org.attune.datasets.examples.SftExample;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.CheckpointException;
import org.attune.error.TrainingDivergedException;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.IntervalStrategy;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SamplingStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.ResumePoint;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.ShortRun;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

public class SftTrainerTest {
    private static final int VOCABULARY = 7;

    @TempDir private Path folder;

    @Test
    void stepLossIsTheMeanOverTrainedTokens() {
        // a uniform model: every token costs ln V, whatever the rows' lengths
        var listener = new RecordingListener();
        run(
                () -> new BigramPolicy(VOCABULARY, new float[VOCABULARY * VOCABULARY]),
                config(t -> t),
                listener);
        assertEquals(Math.log(VOCABULARY), number(listener.logs.get(0), "loss"), 1e-6);
        assertEquals(Math.log(VOCABULARY), number(listener.logs.get(0), "entropy"), 1e-6);
        assertTrue(number(listener.logs.getLast(), "loss") < Math.log(VOCABULARY));
        assertEquals(1e-2, number(listener.logs.get(0), "learning_rate"));
        assertEquals(24L, listener.logs.get(0).get("num_tokens"));
    }

    @Test
    void accumulationAndPhysicalGroupsDoNotChangeTheResult() {
        float[] oneByEight = train(config(t -> t));
        float[] eightByOne =
                train(
                        config(
                                t ->
                                        t.withBatch(
                                                b ->
                                                        b.withPerDeviceTrainBatchSize(1)
                                                                .withGradientAccumulationSteps(
                                                                        8))));
        float[] threeAtOnce = train(config(t -> t.withBatch(b -> b.withTokensPerMicroBatch(9))));
        float[] oneAtOnce = train(config(t -> t.withBatch(b -> b.withTokensPerMicroBatch(1))));
        assertArrayEquals(oneByEight, eightByOne, 1e-5f);
        assertArrayEquals(oneByEight, threeAtOnce, 1e-5f);
        assertArrayEquals(oneByEight, oneAtOnce, 1e-5f);
    }

    @Test
    void stoppedAndResumedRunGivesTheSameNumbers() {
        UnaryOperator<TrainingConfig> random =
                t ->
                        t.withBatch(
                                        b ->
                                                b.withPerDeviceTrainBatchSize(2)
                                                        .withTrainSamplingStrategy(
                                                                SamplingStrategy.RANDOM))
                                .withEval(
                                        e ->
                                                e.withEvalStrategy(IntervalStrategy.STEPS)
                                                        .withEvalSteps(1))
                                .withLog(l -> l.withLoggingSteps(3));
        var whole = new RecordingListener();
        float[] expected = finalValues(config(random, "whole"), whole);

        var stop = new StopSignal();
        var first = new RecordingListener();
        // after 4 of 8 steps: in the middle of an epoch and between two logs
        TrainingListener stopper =
                new TrainingListener() {
                    @Override
                    public void onEvaluate(int step, Map<String, Object> metrics) {
                        if (step == 4) {
                            stop.request();
                        }
                    }
                };
        SftConfig halves = config(random, "halves");
        Engine.run(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        RunSummary summary =
                                SftObjective.trainer(
                                                halves,
                                                policy,
                                                rows(),
                                                evalSets(),
                                                context()
                                                        .withStop(stop)
                                                        .withListeners(first, stopper))
                                        .train();
                        assertTrue(summary.interrupted());
                        assertEquals(4, summary.steps());
                    }
                });
        assertTrue(Files.exists(folder.resolve("halves/checkpoint-4/optimizer.safetensors")));
        var second = new RecordingListener();
        float[] resumed =
                finalValues(
                        halves.withTraining(
                                t -> t.withSave(s -> s.withResume(new Resume.Latest()))),
                        second);
        assertArrayEquals(expected, resumed, 0);
        assertEquals(4, second.info.firstStep());
        var logs = new ArrayList<>(first.logs);
        logs.addAll(second.logs);
        assertEquals(whole.logs, logs);
        assertEquals(whole.summary.heldout().orElseThrow(), second.summary.heldout().orElseThrow());
    }

    /// Between a step and its evaluation, which the checkpoint then lacks.
    @Test
    void stoppedInAnEvaluationItIsMadeUpFor() {
        UnaryOperator<TrainingConfig> evaluated =
                t -> t.withEval(e -> e.withEvalStrategy(IntervalStrategy.STEPS).withEvalSteps(1));
        var whole = new RecordingListener();
        float[] expected = finalValues(config(evaluated, "whole"), whole);
        var stop = new StopSignal();
        var first = new RecordingListener();
        TrainingListener stopper =
                new TrainingListener() {
                    @Override
                    public void onStep(int step, long tokens, PhaseClock clock) {
                        if (step == 2) {
                            stop.request();
                        }
                    }
                };
        SftConfig halves = config(evaluated, "halves");
        Engine.run(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        SftObjective.trainer(
                                        halves,
                                        policy,
                                        rows(),
                                        evalSets(),
                                        context().withStop(stop).withListeners(first, stopper))
                                .train();
                    }
                });
        assertTrue(first.summary.interrupted());
        var second = new RecordingListener();
        float[] resumed =
                finalValues(
                        halves.withTraining(
                                t -> t.withSave(s -> s.withResume(new Resume.Latest()))),
                        second);
        assertArrayEquals(expected, resumed, 0);
        var evaluations = new ArrayList<>(first.evaluations);
        evaluations.addAll(second.evaluations);
        assertEquals(whole.evaluations, evaluations);
    }

    /// It says again what it found, in the summary, but its log has each evaluation once.
    @Test
    void finishedRunThatIsResumedLogsNoEvaluationAgain() {
        SftConfig finished =
                config(
                        t ->
                                t.withEval(
                                        e ->
                                                e.withEvalStrategy(IntervalStrategy.STEPS)
                                                        .withEvalSteps(1)),
                        "finished");
        var whole = new RecordingListener();
        float[] expected = finalValues(finished, whole);
        var again = new RecordingListener();
        float[] resumed =
                finalValues(
                        finished.withTraining(
                                t -> t.withSave(s -> s.withResume(new Resume.Latest()))),
                        again);
        assertArrayEquals(expected, resumed, 0);
        assertEquals(List.of(), again.evaluations);
        assertEquals(whole.summary.heldout(), again.summary.heldout());
    }

    @Test
    void resumedRunMayBecomeLonger() {
        UnaryOperator<TrainingConfig> four = t -> t.withSchedule(s -> s.withMaxSteps(4));
        UnaryOperator<TrainingConfig> eight = t -> t.withSchedule(s -> s.withMaxSteps(8));
        UnaryOperator<TrainingConfig> resumed =
                t -> t.withSave(s -> s.withResume(new Resume.Latest()));
        UnaryOperator<TrainingConfig> constant =
                t -> t.withSchedule(s -> s.withLrSchedulerType(LrSchedulerType.CONSTANT));
        finalValues(config(t -> constant.apply(four.apply(t)), "grows"), new RecordingListener());
        assertArrayEquals(
                finalValues(
                        config(t -> constant.apply(eight.apply(t)), "long"),
                        new RecordingListener()),
                finalValues(
                        config(t -> resumed.apply(constant.apply(eight.apply(t))), "grows"),
                        new RecordingListener()),
                0);
        var whole = new RecordingListener();
        finalValues(config(eight, "linear"), whole);
        finalValues(config(four, "longer"), new RecordingListener());
        var second = new RecordingListener();
        finalValues(config(t -> resumed.apply(eight.apply(t)), "longer"), second);
        assertEquals(4, second.info.firstStep());
        assertEquals(
                whole.logs.getLast().get(MetricKeys.LEARNING_RATE),
                second.logs.getLast().get(MetricKeys.LEARNING_RATE));
        var error =
                assertThrows(
                        CheckpointException.class,
                        () ->
                                finalValues(
                                        config(t -> resumed.apply(four.apply(t)), "longer"),
                                        new RecordingListener()));
        assertTrue(error.getMessage().contains("has 8 steps, more than the 4"), error.getMessage());
    }

    @Test
    void otherConfigurationCannotResume() {
        train(config(t -> t));
        SftConfig other =
                config(
                        t ->
                                t.withOptimizer(o -> o.withLearningRate(2e-2))
                                        .withSave(s -> s.withResume(new Resume.Latest())));
        var error = assertThrows(CheckpointException.class, () -> train(other));
        assertTrue(
                error.getMessage().contains("learning_rate: 0.01 in the checkpoint, now 0.02"),
                error.getMessage());
    }

    /// Other groups could round otherwise, so a run goes on with those it began with.
    @Test
    void theTokenBudgetIsKeptInTheCheckpointAndAnotherCannotResume() {
        SftConfig nine = config(t -> t.withBatch(b -> b.withTokensPerMicroBatch(9)));
        train(nine);
        SftConfig five =
                config(
                        t ->
                                t.withBatch(b -> b.withTokensPerMicroBatch(5))
                                        .withSave(s -> s.withResume(new Resume.Latest())));
        var checkpoint = ResumePoint.of(five.training().save()).orElseThrow();
        assertEquals(OptionalInt.of(9), ResumePoint.tokensPerMicroBatch(checkpoint));
        assertEquals(Optional.empty(), ResumePoint.of(nine.training().save()), "starts anew");
        var error = assertThrows(CheckpointException.class, () -> train(five));
        assertTrue(
                error.getMessage().contains("tokens_per_micro_batch: 9 in the checkpoint, now 5"),
                error.getMessage());
    }

    @Test
    void nonFiniteLossStopsBeforeTheWeightsChange() {
        Engine.run(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        float[] before = policy.parameters().values().toFloats();
                        policy.poison(6);
                        var trainer =
                                SftObjective.trainer(
                                        config(t -> t), policy, rows(), List.of(), context());
                        var error = assertThrows(TrainingDivergedException.class, trainer::train);
                        assertTrue(error.getMessage().contains("rows.jsonl:6"), error.getMessage());
                        assertFalse(error.getMessage().contains("rows.jsonl:5"));
                        assertArrayEquals(before, policy.parameters().values().toFloats(), 0);
                    }
                });
    }

    @Test
    void evaluatesAndSavesWhenDue() {
        var listener = new RecordingListener();
        run(
                () -> BigramPolicy.seeded(VOCABULARY, 1),
                config(
                        t ->
                                t.withEval(
                                                e ->
                                                        e.withEvalStrategy(IntervalStrategy.STEPS)
                                                                .withEvalSteps(3))
                                        .withSave(s -> s.withSaveSteps(5).withSaveTotalLimit(1))),
                listener);
        assertEquals(
                List.of(0, 3, 6, 8),
                listener.evaluations.stream().map(e -> e.get("step")).toList());
        assertTrue(listener.evaluations.get(0).containsKey("eval_loss"));
        assertTrue(listener.evaluations.get(0).containsKey("eval_mean_token_accuracy"));
        assertEquals(List.of(5, 8), listener.saves);
        assertFalse(Files.exists(folder.resolve("run/checkpoint-5")));
        assertTrue(Files.exists(folder.resolve("run/checkpoint-8/trainer_state.json")));
        assertTrue(Files.exists(folder.resolve("run/model.txt")));
        RunSummary.Heldout heldout = listener.summary.heldout().orElseThrow();
        assertEquals("eval_loss", heldout.metric());
        assertEquals(3, heldout.n());
        assertTrue(heldout.after().getAsDouble() < heldout.before().getAsDouble());
    }

    @Test
    void stepsLeaveNoTensorsBehind() {
        List<Long> live = new ArrayList<>();
        TrainingListener counting =
                new TrainingListener() {
                    @Override
                    public void onLog(int step, Map<String, Object> metrics) {
                        live.add(TensorScope.liveTensors());
                    }
                };
        Engine.run(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        SftObjective.trainer(
                                        config(t -> t),
                                        policy,
                                        rows(),
                                        List.of(),
                                        context().withListeners(counting))
                                .train();
                    }
                });
        assertEquals(live.get(1), live.getLast());
    }

    private float[] train(SftConfig config) {
        return finalValues(config, new RecordingListener());
    }

    private float[] finalValues(SftConfig config, TrainingListener listener) {
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        SftObjective.trainer(
                                        config,
                                        policy,
                                        rows(),
                                        evalSets(),
                                        context().withListeners(listener))
                                .train();
                        return policy.parameters().values().toFloats();
                    }
                });
    }

    private void run(Supplier<BigramPolicy> model, SftConfig config, TrainingListener listener) {
        Engine.run(
                () -> {
                    try (var policy = model.get()) {
                        SftObjective.trainer(
                                        config,
                                        policy,
                                        rows(),
                                        evalSets(),
                                        context().withListeners(listener))
                                .train();
                    }
                });
    }

    private RunContext context() {
        return RunContext.of(path -> Files.writeString(path.resolve("model.txt"), "values"));
    }

    private SftConfig config(UnaryOperator<TrainingConfig> change) {
        return config(change, "run");
    }

    /// 8 steps over 8 rows in file order, all in one batch, rate 0.01, everything logged.
    private SftConfig config(UnaryOperator<TrainingConfig> change, String output) {
        return SftConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("bigram"))
                .withData(_ -> DataConfig.of("rows.jsonl").withTestSplitSize(3))
                .withTraining(t -> change.apply(ShortRun.of(t, 8, 1e-2, folder.resolve(output))));
    }

    /// Rows of 2 to 4 tokens, trained from the second token on. Only row 6 has token 6.
    public static List<PackedRow> rows() {
        int[][] ids = {
            {1, 2, 3}, {2, 3, 1}, {3, 1}, {4, 5, 4, 5}, {1, 2}, {0, 6, 0}, {5, 5, 5, 5}, {2, 1, 0}
        };
        List<PackedRow> rows = new ArrayList<>();
        for (int i = 0; i < ids.length; i++) {
            boolean[] mask = new boolean[ids[i].length];
            Arrays.fill(mask, true);
            rows.add(
                    new PackedRow(
                            List.of(
                                    new SftExample(
                                            ids[i], mask, new RowOrigin("rows.jsonl", i + 1, i)))));
        }
        return rows;
    }

    private static List<EvalSet<PackedRow>> evalSets() {
        return List.of(new EvalSet<>("", rows().subList(0, 3)));
    }

    private static double number(Map<String, Object> metrics, String key) {
        return ((Number) metrics.get(key)).doubleValue();
    }
}
