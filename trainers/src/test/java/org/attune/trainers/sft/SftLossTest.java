package org.attune.trainers.sft;

import static org.attune.trainers.testing.RecordingListener.number;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.policy.CausalPolicy;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.layout.SftForest;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.ShortRun;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// The losses that weigh tokens, by hand and in runs.
class SftLossTest {
    private static final float[] PROBS = {0.5f, 0.25f, 0.1f, 1};
    private static final float[] TOP_ENTROPIES = {3, 1.5f, 0.3f, 0};
    private static final float[] DIVERGENCES = {0.2f, 0.1f, 0.4f, 0.3f};

    @TempDir private Path folder;

    /// Two rows of two trained tokens each.
    private static List<RowAt<PackedRow>> rows() {
        List<PackedRow> two = SftTrainerTest.rows().subList(0, 2);
        return List.of(new RowAt<>(two.get(0), 0, 0, 0), new RowAt<>(two.get(1), 1, 0, 1));
    }

    private static SftObjective objective(SftLoss loss, double anchored) {
        Scorer nobody = (_, _) -> null;
        return new SftObjective(
                loss,
                0,
                anchored > 0
                        ? Optional.of(new SftObjective.Anchor(anchored, nobody))
                        : Optional.empty(),
                false);
    }

    private static float[] logProbs() {
        float[] logProbs = new float[PROBS.length];
        for (int i = 0; i < logProbs.length; i++) {
            logProbs[i] = (float) Math.log(PROBS[i]);
        }
        return logProbs;
    }

    private static Measurement measured() {
        return new Measurement(
                logProbs(),
                Map.of(
                        HeadStatistic.ENTROPY,
                        new float[4],
                        HeadStatistic.ARGMAX_HIT,
                        new float[4],
                        HeadStatistic.TOP_ENTROPY,
                        TOP_ENTROPIES,
                        HeadStatistic.DIVERGENCE,
                        DIVERGENCES));
    }

    /// By hand, with ln 2 = 0.693147, ln 4 = 1.386294, ln 10 = 2.302585:
    /// - nll (ln 2 + ln 4 + ln 10 + 0)/4
    /// - dft (0.5 ln 2 + 0.25 ln 4 + 0.1 ln 10)/4
    /// - asft the same + 0.5 (0.2 + 0.1 + 0.4 + 0.3)/4
    /// - eaft (1 ln 2 + 1/2 ln 4 + 1/10 ln 10)/4; with α = 2 (ln 2 + 1/4 ln 4 + 1/100 ln 10)/4
    @Test
    void lossesAreTheFormulas() {
        assertEquals(1.0955065, loss(objective(new SftLoss.Nll(), 0)), 1e-6);
        assertEquals(0.2308514, loss(objective(new SftLoss.Dft(), 0)), 1e-6);
        assertEquals(0.3558514, loss(objective(new SftLoss.Dft(), 0.5)), 1e-6);
        assertEquals(0.4041380, loss(objective(new SftLoss.Eaft(1), 0)), 1e-6);
        assertEquals(0.2656867, loss(objective(new SftLoss.Eaft(2), 0)), 1e-6);
        assertEquals(1.0955065, loss(objective(new SftLoss.Eaft(0), 0)), 1e-6);
    }

    private static double loss(SftObjective objective) {
        var sums = new SftSums(objective, rows(), 1);
        sums.add(rows(), forest(), measured(), List.of());
        return sums.step().loss();
    }

    private static SftForest forest() {
        return SftForest.of(RowAt.rows(rows()), false);
    }

    /// Central differences of the formula, in which weights stay what they are.
    @Test
    void slopesEqualDifferencesWithConstantWeights() {
        float[] logProbs = logProbs();
        double h = 1e-3;
        for (SftLoss loss : List.of(new SftLoss.Nll(), new SftLoss.Dft(), new SftLoss.Eaft(1.5))) {
            var sums = new SftSums(objective(loss, 0.5), rows(), 1);
            HeadSlopes slopes = sums.add(rows(), forest(), measured(), List.of());
            for (int t = 0; t < 4; t++) {
                double weight = loss.weight(logProbs[t], TOP_ENTROPIES[t]);
                double up = -weight * (logProbs[t] + h) / 4;
                double down = -weight * (logProbs[t] - h) / 4;
                assertEquals((up - down) / (2 * h), slopes.targets()[t], 1e-6, loss + " " + t);
                float held = slopes.statistics().get(HeadStatistic.DIVERGENCE)[t];
                assertEquals(0.5 / 4, held, 1e-7);
            }
        }
    }

    private List<Map<String, Object>> train(
            String name, UnaryOperator<SftLossConfig> loss, UnaryOperator<TrainingConfig> changed) {
        TrainingConfig training =
                changed.apply(
                        ShortRun.of(
                                SftConfig.defaults().training(), 4, 0.01, folder.resolve(name)));
        var listener = new RecordingListener();
        Engine.run(
                () -> {
                    try (var decoder = TinyModels.decoder(TinyModels.tiedLlama());
                            var start = TinyModels.decoder(TinyModels.tiedLlama());
                            Policy policy =
                                    Policy.withAllWeights(decoder, Policy.Options.defaults())) {
                        train(policy, Policy.reference(start), loss, training, listener);
                    }
                });
        return listener.logs.stream().filter(log -> log.containsKey("loss")).toList();
    }

    private static void train(
            CausalPolicy policy,
            Scorer start,
            UnaryOperator<SftLossConfig> loss,
            TrainingConfig training,
            RecordingListener listener) {
        SftObjective.trainer(
                        SftConfig.defaults()
                                .withModel(m -> m.withModelNameOrPath("tiny"))
                                .withData(_ -> DataConfig.of("rows.jsonl"))
                                .withLoss(loss)
                                .withTraining(training),
                        policy,
                        Optional.of(start),
                        SftTrainerTest.rows(),
                        List.of(),
                        RunContext.of(_ -> {}).withListeners(listener))
                .train();
    }

    @Test
    void anAnchoredRunBeginsAsDftAndStaysNearItsStart() {
        List<Map<String, Object>> dft = train("dft", l -> l.withLossType(SftLossType.DFT), t -> t);
        UnaryOperator<SftLossConfig> asft = l -> l.withLossType(SftLossType.ASFT);
        List<Map<String, Object>> loose =
                train("loose", l -> asft.apply(l).withAsftAlpha(0), t -> t);
        List<Map<String, Object>> held =
                train("held", l -> asft.apply(l).withAsftAlpha(50), t -> t);
        assertEquals(number(dft.getFirst(), "loss"), number(held.getFirst(), "loss"), 1e-6);
        assertEquals(0, number(held.getFirst(), "kl"), 1e-6);
        assertEquals(number(dft.getLast(), "loss"), number(loose.getLast(), "loss"), 1e-6);
        double far = number(loose.getLast(), "kl");
        double near = number(held.getLast(), "kl");
        assertTrue(0 < near && near < 0.5 * far, near + " " + far);
    }

    @Test
    void aResumedRunIsHeldToTheSameModel() {
        UnaryOperator<TrainingConfig> saving =
                t -> t.withSave(s -> s.withSaveStrategy(SaveStrategy.STEPS).withSaveSteps(2));
        UnaryOperator<SftLossConfig> asft = l -> l.withLossType(SftLossType.ASFT);
        List<Map<String, Object>> whole = train("whole", asft, saving);
        Path checkpoint = folder.resolve("whole/checkpoint-2");
        List<Map<String, Object>> resumed =
                train(
                        "resumed",
                        asft,
                        t ->
                                saving.apply(t)
                                        .withSave(s -> s.withResume(new Resume.From(checkpoint))));
        for (String key : List.of("loss", "kl", "grad_norm")) {
            assertEquals(whole.getLast().get(key), resumed.getLast().get(key), key);
        }
    }
}
