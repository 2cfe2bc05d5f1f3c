package org.attune.trainers.loop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.optim.OptimizerType;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.IntervalStrategy;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftObjective;
import org.attune.trainers.sft.SftTrainerTest;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.ShortRun;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// What follows from evaluations: the best model, an early end, a learning rate; and averages.
class RunEndTest {
    private static final int VOCABULARY = 7;

    @TempDir private Path folder;

    /// A run and what it leaves.
    ///
    /// @param result the values that were written last
    private record Outcome(RunSummary summary, RecordingListener told, String result) {
        List<Double> losses() {
            return told.evaluations.stream().map(e -> (Double) e.get("eval_loss")).toList();
        }
    }

    private TrainingConfig training(String name, UnaryOperator<TrainingConfig> changes) {
        TrainingConfig plain =
                ShortRun.of(SftConfig.defaults().training(), 12, 0.4, folder.resolve(name))
                        .withSchedule(s -> s.withLrSchedulerType(LrSchedulerType.CONSTANT))
                        .withEval(e -> e.withEvalStrategy(IntervalStrategy.STEPS).withEvalSteps(1))
                        .withSave(s -> s.withSaveSteps(1));
        return changes.apply(plain);
    }

    /// @param stopAt asks for a stop after this step's evaluation; 0: never
    private Outcome run(TrainingConfig training, int stopAt) {
        var told = new RecordingListener();
        var stop = new StopSignal();
        TrainingListener stopper =
                new TrainingListener() {
                    @Override
                    public void onEvaluate(int step, Map<String, Object> metrics) {
                        if (step == stopAt && step > 0) {
                            stop.request();
                        }
                    }
                };
        var config =
                SftConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("bigram"))
                        .withData(_ -> DataConfig.of("rows.jsonl").withTestSplitSize(0.5))
                        .withTraining(training);
        return Engine.call(
                () -> {
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        var context =
                                RunContext.of(
                                                at ->
                                                        Files.writeString(
                                                                at.resolve("weights.txt"),
                                                                text(policy)))
                                        .withStop(stop)
                                        .withListeners(told, stopper);
                        var rows = SftTrainerTest.rows();
                        RunSummary summary =
                                SftObjective.trainer(
                                                config,
                                                policy,
                                                Optional.empty(),
                                                rows.subList(0, 2),
                                                List.of(
                                                        new EvalSet<>(
                                                                "", rows.subList(2, rows.size()))),
                                                context)
                                        .train();
                        Path result = training.save().outputDir().resolve("weights.txt");
                        return new Outcome(
                                summary,
                                told,
                                Files.exists(result) ? Files.readString(result) : "");
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
    }

    private static String text(BigramPolicy policy) {
        return Arrays.toString(policy.parameters().values().toFloats());
    }

    private String weights(String name, int step) throws IOException {
        return Files.readString(
                folder.resolve(name).resolve("checkpoint-" + step + "/weights.txt"));
    }

    private static int best(List<Double> losses) {
        int best = 1; // the evaluation before the first step doesn't count
        for (int step = 2; step < losses.size(); step++) {
            best = losses.get(step) < losses.get(best) ? step : best;
        }
        return best;
    }

    private static TrainingConfig early(TrainingConfig t) {
        return t.withBest(b -> b.withLoadBestModelAtEnd(true).withEarlyStoppingPatience(2));
    }

    private static UnaryOperator<TrainingConfig> resumed(UnaryOperator<TrainingConfig> changes) {
        return t -> changes.apply(t).withSave(s -> s.withResume(new Resume.Latest()));
    }

    @Test
    void runEndsWhenItGetsWorseAndResultsInTheBest() throws IOException {
        List<Double> whole = run(training("whole", t -> t), 0).losses();
        int best = best(whole);
        assertTrue(best > 1 && best < 9, "the losses fall and rise: " + whole);

        Outcome early = run(training("early", RunEndTest::early), 0);
        assertEquals(best + 2, early.summary().steps());
        assertEquals(whole.subList(0, best + 3), early.losses());
        assertEquals(weights("early", best), early.result());
        assertEquals(
                whole.get(best), early.summary().heldout().orElseThrow().after().orElseThrow());
        String state = Files.readString(folder.resolve("early/trainer_state.json"));
        assertTrue(state.contains("\"best_model_checkpoint\" : \"checkpoint-" + best + "\""));
    }

    @Test
    void stoppedRunThatIsResumedEndsAlike() throws IOException {
        Outcome whole = run(training("whole", RunEndTest::early), 0);
        int best = best(whole.losses());
        for (int stopAt : new int[] {1, best, best + 1, best + 2}) {
            String name = "halves" + stopAt;
            Outcome first = run(training(name, RunEndTest::early), stopAt);
            Outcome second = run(training(name, resumed(RunEndTest::early)), 0);
            assertEquals(whole.result(), second.result(), name);
            assertEquals(whole.summary().steps(), second.summary().steps(), name);
            assertEquals(whole.summary().heldout(), second.summary().heldout(), name);
            var losses = new ArrayList<>(first.losses());
            losses.addAll(second.losses());
            assertEquals(whole.losses(), losses, name);
        }
    }

    @Test
    void thresholdAndPatienceAreTransformers() throws IOException {
        List<Double> losses = run(training("whole", t -> t), 0).losses();
        double first = losses.get(1) - losses.get(2);
        UnaryOperator<TrainingConfig> demanding =
                t ->
                        t.withBest(
                                b ->
                                        b.withEarlyStoppingPatience(1)
                                                .withEarlyStoppingThreshold(first * 1.5));
        assertEquals(2, run(training("demanding", demanding), 0).summary().steps());
    }

    @Tag("thorough")
    @Test
    void bestCheckpointStaysBesideTheNewest() throws IOException {
        UnaryOperator<TrainingConfig> one =
                t ->
                        t.withBest(b -> b.withLoadBestModelAtEnd(true))
                                .withSave(s -> s.withSaveTotalLimit(1));
        Outcome stopped = run(training("one", one), 11);
        int best = best(stopped.losses());
        assertTrue(Files.exists(folder.resolve("one/checkpoint-" + best)));
        assertTrue(Files.exists(folder.resolve("one/checkpoint-11")));
        assertFalse(Files.exists(folder.resolve("one/checkpoint-10")));
        run(training("one", resumed(one)), 0);
        assertTrue(Files.exists(folder.resolve("one/checkpoint-" + best)));
        assertFalse(Files.exists(folder.resolve("one/checkpoint-12")));
    }

    @Test
    void checkpointsFollowTheBestAlone() {
        UnaryOperator<TrainingConfig> best =
                t ->
                        t.withBest(b -> b.withLoadBestModelAtEnd(true))
                                .withSave(s -> s.withSaveStrategy(SaveStrategy.BEST));
        Outcome outcome = run(training("best", best), 0);
        var falls = new ArrayList<Integer>();
        double least = Double.POSITIVE_INFINITY;
        for (int step = 1; step < outcome.losses().size(); step++) {
            if (outcome.losses().get(step) < least) {
                least = outcome.losses().get(step);
                falls.add(step);
            }
        }
        assertEquals(falls, outcome.told().saves);
        assertEquals(12, outcome.summary().steps());
    }

    @Test
    void metricThatNoEvaluationHasIsRefusedBeforeTheFirstStep() {
        TrainingConfig wrong =
                training("wrong", t -> t.withBest(b -> b.withMetricForBestModel("reward")));
        var error = assertThrows(ConfigException.class, () -> run(wrong, 0));
        assertTrue(error.getMessage().contains("metric_for_best_model: reward is none of"));
        assertTrue(error.getMessage().contains("eval_loss"));
    }

    @Test
    void evaluationsWaitForTheirDelay() {
        Outcome outcome = run(training("delay", t -> t.withEval(e -> e.withEvalDelay(10))), 0);
        assertEquals(
                List.of(0, 10, 11, 12),
                outcome.told().evaluations.stream().map(e -> e.get("step")).toList());
    }

    @Tag("thorough")
    @ParameterizedTest
    @EnumSource(
            value = LrSchedulerType.class,
            names = {"REDUCE_LR_ON_PLATEAU", "GREEDY"})
    void rateFollowsEvaluationsAlsoWhenResumed(LrSchedulerType type) {
        UnaryOperator<TrainingConfig> follows =
                t ->
                        t.withSchedule(
                                s ->
                                        s.withLrSchedulerType(type)
                                                .withLrSchedulerKwargs(
                                                        Map.of(
                                                                "patience",
                                                                1,
                                                                "factor",
                                                                0.5,
                                                                "min_lr",
                                                                0.01)));
        Outcome whole = run(training("whole", follows), 0);
        List<Object> rates = whole.told().logs.stream().map(l -> l.get("learning_rate")).toList();
        assertEquals(0.4, rates.getFirst());
        assertTrue((double) rates.getLast() < 0.4, "" + rates);
        run(training("halves", follows), 7);
        Outcome second = run(training("halves", resumed(follows)), 0);
        assertEquals(whole.result(), second.result());
    }

    @Tag("thorough")
    @Test
    void averageIsTrlsAndGoesOnWhenResumed() throws IOException {
        UnaryOperator<TrainingConfig> averaged =
                t ->
                        t.withAveraging(
                                a ->
                                        a.withBema(true)
                                                .withBemaUpdateFreq(2)
                                                .withBemaUpdateAfter(3)
                                                .withBemaLag(1));
        run(training("whole", averaged), 0);
        String average = Files.readString(folder.resolve("whole/bema/weights.txt"));
        assertArrayEquals(bema(), numbers(average), 2e-6f);
        run(training("halves", averaged), 6);
        run(training("halves", resumed(averaged)), 0);
        assertEquals(average, Files.readString(folder.resolve("halves/bema/weights.txt")));
    }

    /// By its formula in double, from the checkpoints' weights.
    private float[] bema() throws IOException {
        float[] initial = numbers(weights("whole", 3));
        double[] mean = new double[initial.length];
        float[] result = new float[initial.length];
        for (int i = 0; i < mean.length; i++) {
            mean[i] = initial[i];
        }
        for (int step = 5; step <= 12; step += 2) {
            float[] now = numbers(weights("whole", step));
            double share = Math.pow(1 + step, -0.5);
            for (int i = 0; i < mean.length; i++) {
                mean[i] = (1 - share) * mean[i] + share * now[i];
                double moved = now[i] - initial[i];
                result[i] = (float) (mean[i] + Math.pow(1 + step, -0.2) * moved);
            }
        }
        return result;
    }

    private static float[] numbers(String text) {
        String[] words = text.replaceAll("[\\[\\] ]", "").split(",");
        float[] numbers = new float[words.length];
        for (int i = 0; i < words.length; i++) {
            numbers[i] = Float.parseFloat(words[i]);
        }
        return numbers;
    }

    @Tag("thorough")
    @Test
    void scheduleFreeRunIsMeasuredAndWrittenAsItsAverage() throws IOException {
        UnaryOperator<TrainingConfig> free =
                t -> t.withOptimizer(o -> o.withOptim(OptimizerType.SCHEDULE_FREE_ADAMW));
        Outcome whole = run(training("whole", free), 0);
        assertEquals(weights("whole", 12), whole.result());
        Outcome first = run(training("halves", free), 5);
        Outcome second = run(training("halves", resumed(free)), 0);
        assertEquals(whole.result(), second.result());
        var losses = new ArrayList<>(first.losses());
        losses.addAll(second.losses());
        assertEquals(whole.losses(), losses);
        UnaryOperator<TrainingConfig> unseen =
                t -> free.apply(t).withEval(e -> e.withEvalStrategy(IntervalStrategy.NO));
        assertEquals(whole.result(), run(training("unseen", unseen), 0).result());
    }
}
