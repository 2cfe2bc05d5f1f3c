package org.attune.trainers.scoring;

import static org.attune.trainers.testing.RecordingListener.number;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.RowOrigin;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ScoreKind;
import org.attune.policy.CausalPolicy;
import org.attune.policy.HeadRequest;
import org.attune.policy.Policy;
import org.attune.policy.TokenForest;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.BatchConfig;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.StepwiseExample;
import org.attune.trainers.examples.StepwiseExample.JudgedStep;
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
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

class PrmTrainerTest implements RowTrainerContract<StepwiseExample> {
    @TempDir private Path folder;

    /// The loss is a mean over steps, so it doesn't depend on how rows with unequal numbers of
    /// steps are cut. A table's scores depend on a step's last token; only the third row has a 6.
    @Override
    public TrainerCase<StepwiseExample> trainerCase() {
        List<StepwiseExample> rows = new ArrayList<>();
        rows.add(row(rows, new int[] {1, 2, 4, 3, 0, 5}, step(3, true), step(5, false)));
        rows.add(row(rows, new int[] {2, 1, 3}, step(2, true)));
        rows.add(row(rows, new int[] {4, 5, 6, 2}, step(2, false), step(3, true)));
        rows.add(
                row(rows, new int[] {3, 2, 1, 4, 0}, step(1, false), step(2, true), step(4, true)));
        rows.add(row(rows, new int[] {5, 4}, step(1, false)));
        rows.add(row(rows, new int[] {1, 3, 5}, step(1, true), step(2, true)));
        return new TrainerCase<>(
                rows,
                () -> BigramPolicy.seeded(7, 1),
                given -> start(c -> c, given),
                given -> start(c -> c.withSteps(s -> s.withStepSeparator(" | ")), given),
                "step_separator",
                ShortRun.CUTS,
                given -> start(c -> c, given.poisoned(6)),
                "steps.jsonl:3");
    }

    private float[] start(UnaryOperator<PrmConfig> change, Given<StepwiseExample> given) {
        PrmObjective.trainer(
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
    void firstLossAndAccuracyAreThoseOfStepsScoredAlone() {
        double[] expected = Engine.call(PrmTrainerTest::lossAndAccuracyAlone);
        var listener = new RecordingListener();
        train(config(c -> c), listener);
        assertEquals(expected[0], number(listener.logs.getFirst(), "loss"), 1e-5);
        assertEquals(expected[1], number(listener.logs.getFirst(), "accuracy"), 1e-9);
        assertTrue(expected[1] > 0 && expected[1] < 1, "a case that tells: " + expected[1]);
    }

    @Test
    void learnsTheStepsAndSaysSoInTheSummary() {
        var listener = new RecordingListener();
        train(config(c -> c), listener);
        assertTrue(number(listener.logs.getLast(), "loss") < 0.3, "" + listener.logs.getLast());
        RunSummary.Heldout heldout = listener.summary.heldout().orElseThrow();
        assertEquals("eval_accuracy", heldout.metric());
        assertTrue(heldout.before().getAsDouble() < 1);
        assertEquals(1, heldout.after().getAsDouble());
    }

    @Test
    void eachPartOfAStepIsAPhaseOfItsOwn() {
        var listener = new RecordingListener();
        train(config(c -> c), listener);
        for (String phase : List.of("data", "forward", "backward", "optimizer")) {
            assertTrue(listener.summary.secondsByPhase().get(phase) > 0, phase);
        }
    }

    /// A mean isn't changed by saying everything twice, neither is its gradient.
    @Test
    void rowsThatAreRepeatedWeighNoMore() {
        var once = new RecordingListener();
        var twice = new RecordingListener();
        PrmConfig config = batched(b -> b);
        List<StepwiseExample> rows = rows();
        List<StepwiseExample> repeated = new ArrayList<>(rows);
        repeated.addAll(rows);
        assertArrayEquals(train(config, rows, once), train(config, repeated, twice), 2e-4f);
        double want = number(once.logs.getFirst(), "grad_norm");
        assertEquals(want, number(twice.logs.getFirst(), "grad_norm"), 1e-5 * want);
    }

    private static float[] train(PrmConfig config, TrainingListener listener) {
        return train(config, rows(), listener);
    }

    private static float[] train(
            PrmConfig config, List<StepwiseExample> rows, TrainingListener listener) {
        return Engine.call(
                () -> {
                    try (var decoder = TinyModels.decoder(model());
                            CausalPolicy policy =
                                    Policy.withAllWeights(decoder, Policy.Options.defaults())) {
                        PrmObjective.trainer(
                                        config,
                                        policy,
                                        rows,
                                        List.of(new EvalSet<>("", rows())),
                                        RunContext.of(_ -> {}).withListeners(listener))
                                .train();
                        return policy.parameters().values().toFloats();
                    }
                });
    }

    private static DecoderConfig model() {
        return TinyModels.llama().withScores(ScoreKind.TOKEN, 2);
    }

    /// Every step read at the end of a sequence that stops there.
    private static double[] lossAndAccuracyAlone() {
        try (var decoder = TinyModels.decoder(model());
                var policy = Policy.withAllWeights(decoder, Policy.Options.defaults())) {
            double loss = 0;
            double hits = 0;
            int count = 0;
            for (StepwiseExample row : rows()) {
                for (JudgedStep step : row.steps()) {
                    var builder = TokenForest.builder();
                    int root = builder.root(Arrays.copyOf(row.ids(), step.end() + 1));
                    builder.score(root, 0);
                    builder.score(root, 1);
                    float[] z = policy.measure(builder.build(), HeadRequest.of()).tokenLogProbs();
                    double right = Math.exp(z[1]) / (Math.exp(z[0]) + Math.exp(z[1]));
                    loss -= Math.log(step.right() ? right : 1 - right);
                    hits += right > 0.5 == step.right() ? 1 : 0;
                    count++;
                }
            }
            return new double[] {loss / count, hits / count};
        }
    }

    private PrmConfig batched(UnaryOperator<BatchConfig> change) {
        return config(
                c -> c.withTraining(t -> t.withSchedule(s -> s.withMaxSteps(2)).withBatch(change)));
    }

    private PrmConfig config(UnaryOperator<PrmConfig> change) {
        return config(change, "run");
    }

    /// 20 steps over all rows in file order, everything logged.
    private PrmConfig config(UnaryOperator<PrmConfig> change, String output) {
        return change.apply(
                PrmConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("tiny"))
                        .withData(_ -> DataConfig.of("steps.jsonl").withTestSplitSize(0.5))
                        .withTraining(t -> ShortRun.of(t, 20, 3e-3, folder.resolve(output))));
    }

    /// 3 is the separator. One, two or three steps; one row was cut behind its last judged step.
    private static List<StepwiseExample> rows() {
        List<StepwiseExample> rows = new ArrayList<>();
        rows.add(row(rows, new int[] {1, 2, 4, 3, 9, 3}, step(3, true), step(5, false)));
        rows.add(row(rows, new int[] {2, 6, 7, 3}, step(3, true)));
        rows.add(
                row(
                        rows,
                        new int[] {4, 5, 3, 12, 1, 3, 8, 3},
                        step(2, false),
                        step(5, true),
                        step(7, false)));
        rows.add(row(rows, new int[] {14, 2, 3, 11, 10}, step(2, false)));
        return rows;
    }

    private static StepwiseExample row(
            List<StepwiseExample> before, int[] ids, JudgedStep... steps) {
        int index = before.size();
        return new StepwiseExample(
                ids, List.of(steps), new RowOrigin("steps.jsonl", index + 1, index));
    }

    private static JudgedStep step(int end, boolean right) {
        return new JudgedStep(end, right);
    }
}
