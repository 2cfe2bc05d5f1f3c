package org.attune.trainers.sft;

import static org.attune.trainers.testing.RecordingListener.number;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.RowOrigin;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.SftExample;
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

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

public class SftTrainerTest implements RowTrainerContract<PackedRow> {
    private static final int VOCABULARY = 7;

    @TempDir private Path folder;

    /// Two micro-batches of two rows. The loss is a mean over tokens, however they are cut.
    @Override
    public TrainerCase<PackedRow> trainerCase() {
        SftConfig config = config(ShortRun::twoByTwo);
        SftConfig other = config.withLoss(l -> l.withLossType(SftLossType.DFT));
        return new TrainerCase<>(
                rows(),
                () -> BigramPolicy.seeded(VOCABULARY, 1),
                given -> start(config, given),
                given -> start(other, given),
                "loss_type",
                ShortRun.CUTS,
                given -> start(config, given.poisoned(6)),
                "rows.jsonl:6");
    }

    private static float[] start(SftConfig config, Given<PackedRow> given) {
        SftObjective.trainer(
                        config.withTraining(given.training()),
                        given.policy(),
                        Optional.empty(),
                        given.rows(),
                        evalSets(),
                        given.context())
                .train();
        return new float[0];
    }

    @Test
    void heldOutRowsAreJudgedByTheirLoss() {
        var listener = new RecordingListener();
        run(() -> BigramPolicy.seeded(VOCABULARY, 1), config(t -> t), listener);
        assertTrue(listener.evaluations.getFirst().containsKey("eval_mean_token_accuracy"));
        RunSummary.Heldout heldout = listener.summary.heldout().orElseThrow();
        assertEquals("eval_loss", heldout.metric());
        assertEquals(3, heldout.n());
        assertTrue(heldout.after().getAsDouble() < heldout.before().getAsDouble());
    }

    /// A resumed run that becomes longer follows the schedule of its new length.
    @Test
    void ratesFollowTheNewLength() {
        run(() -> BigramPolicy.seeded(VOCABULARY, 1), config(steps(2)), new RecordingListener());
        var longer = new RecordingListener();
        SftConfig four =
                config(t -> steps(4).apply(t).withSave(s -> s.withResume(new Resume.Latest())));
        run(() -> BigramPolicy.seeded(VOCABULARY, 1), four, longer);
        assertEquals(2, longer.info.firstStep());
        assertEquals(1e-2 / 4, number(longer.logs.getLast(), "learning_rate"), 1e-12);
    }

    private static UnaryOperator<TrainingConfig> steps(int steps) {
        return t -> t.withSchedule(s -> s.withMaxSteps(steps));
    }

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

    private void run(Supplier<BigramPolicy> model, SftConfig config, TrainingListener listener) {
        Engine.run(
                () -> {
                    try (var policy = model.get()) {
                        SftObjective.trainer(
                                        config,
                                        policy,
                                        Optional.empty(),
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
}
