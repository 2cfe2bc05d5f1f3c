package org.attune.trainers.service;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.error.AttuneException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.model.layer.Decoder;
import org.attune.optim.AdamW;
import org.attune.policy.HeadRequest;
import org.attune.policy.Policy;
import org.attune.policy.TokenForest;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.service.AdapterTraining.Lora;
import org.attune.trainers.service.AdapterTraining.Loss;
import org.attune.trainers.service.AdapterTraining.Outcome;
import org.attune.trainers.service.AdapterTraining.Row;
import org.attune.trainers.service.AdapterTraining.Update;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftTrainerTest;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TinyRun;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/// Steps of a loop that runs elsewhere, on a tiny model in float32.
@Tag("thorough")
class AdapterTrainingTest {
    private static final int LENGTH = 64;
    private static final Lora LORA = new Lora(4, 5, true, true, false);
    private static final Loss ENTROPY = new Loss.CrossEntropy();

    @TempDir Path folder;
    private Decoder decoder;
    private AdapterTraining.Shared shared;

    @BeforeEach
    void open() {
        decoder = Engine.call(() -> TinyModels.decoder(TinyModels.tiedLlama()));
        shared = new AdapterTraining.Shared(decoder, LENGTH);
    }

    @AfterEach
    void close() {
        shared.close();
        Engine.run(decoder::close);
    }

    private static Update update(double rate) {
        return new Update(rate, AdamW.defaults(), 0, 0);
    }

    private List<Row> rows(Random random, int count, Loss loss) {
        List<Row> rows = new ArrayList<>();
        int vocabulary = decoder.config().vocabSize();
        for (int r = 0; r < count; r++) {
            int length = 1 + random.nextInt(12);
            double[] sampled =
                    random.doubles(length, -6, -0.1).map(d -> loss == ENTROPY ? 0 : d).toArray();
            rows.add(
                    new Row(
                            random.ints(length, 0, vocabulary).toArray(),
                            random.ints(length, 0, vocabulary).toArray(),
                            random.doubles(length, -1, 1).toArray(),
                            loss == ENTROPY ? new double[0] : sampled));
        }
        return rows;
    }

    private Map<String, float[]> written(AdapterTraining training, String name) throws IOException {
        Path out = Files.createDirectories(folder.resolve(name));
        training.save(out, "tiny", Map.of());
        return tensors(AdapterTraining.adapterIn(out));
    }

    private static Map<String, float[]> tensors(Path adapter) {
        Map<String, float[]> all = new TreeMap<>();
        try (var file = SafeTensorsFile.open(adapter.resolve("adapter_model.safetensors"));
                Arena arena = Arena.ofConfined()) {
            file.entries()
                    .keySet()
                    .forEach(
                            key ->
                                    all.put(
                                            key,
                                            file.read(key, arena).toArray(ValueLayout.JAVA_FLOAT)));
        }
        return all;
    }

    private static void assertNear(
            Map<String, float[]> expected, Map<String, float[]> found, float most) {
        assertEquals(expected.keySet(), found.keySet());
        expected.forEach((key, values) -> assertArrayEquals(values, found.get(key), most, key));
    }

    /// The same rows, seed and settings: the sums are added in another order, so Adam's first
    /// steps, which are as large as the rate whatever the gradient, may differ by some of it where
    /// a gradient is all but zero.
    @Test
    void stepsAreThoseOfARun() throws IOException {
        var random = RandomSource.XO_SHI_RO_256_PP.create(LORA.seed());
        TrainingConfig config =
                ShortRun.of(SftConfig.defaults().training(), 4, 1e-3, folder.resolve("run"))
                        .withOptimizer(o -> o.withMaxGradNorm(1))
                        .withSchedule(s -> s.withLrSchedulerType(LrSchedulerType.CONSTANT))
                        .withBatch(b -> b.withPerDeviceTrainBatchSize(4));
        var documents =
                SftTrainerTest.rows().stream().flatMap(row -> row.documents().stream()).toList();
        Engine.run(
                () -> {
                    try (var other = TinyModels.decoder(TinyModels.tiedLlama());
                            var policy =
                                    Policy.withFreshAdapter(
                                            other,
                                            LoraConfig.of(
                                                    LORA.rank(),
                                                    32,
                                                    0,
                                                    new ModuleSelection.AllLinear()),
                                            random,
                                            Policy.Options.defaults())) {
                        TinyRun.SFT.train(config, policy, RunContext.of(_ -> {}));
                        policy.saveAdapter(folder.resolve("theirs"), "tiny");
                    }
                });
        try (AdapterTraining training = shared.open(LORA)) {
            for (int step = 0; step < 4; step++) {
                List<Row> batch = new ArrayList<>();
                int trained = 0;
                for (int d = 0; d < 4; d++) {
                    var document = documents.get((4 * step + d) % documents.size());
                    int[] ids = document.ids();
                    double[] weights = new double[ids.length - 1];
                    for (int t = 0; t < weights.length; t++) {
                        weights[t] = document.completionMask()[t + 1] ? 1 : 0;
                        trained += document.completionMask()[t + 1] ? 1 : 0;
                    }
                    batch.add(
                            new Row(
                                    Arrays.copyOf(ids, ids.length - 1),
                                    Arrays.copyOfRange(ids, 1, ids.length),
                                    weights,
                                    new double[0]));
                }
                double all = trained;
                batch.forEach(row -> Arrays.setAll(row.factors(), t -> row.factors()[t] / all));
                training.learn(batch, ENTROPY, true);
                training.step(new Update(1e-3, AdamW.defaults(), 0, 1));
            }
            assertNear(tensors(folder.resolve("theirs")), written(training, "ours"), 2e-5f);
        }
    }

    /// Each loss against central differences of the forward pass: along its own gradient a small
    /// step lowers it by the gradient's squared norm.
    @Test
    void lossesFallAsTheirGradientsSay() {
        var random = new Random(11);
        List<Loss> losses =
                List.of(
                        ENTROPY,
                        new Loss.ImportanceSampling(),
                        new Loss.Ppo(0.8, 1.2),
                        new Loss.Cispo(0.5, 1.5),
                        new Loss.Dro(0.1));
        for (Loss loss : losses) {
            try (AdapterTraining training = shared.open(LORA)) {
                List<Row> rows = rows(random, 6, loss);
                training.learn(rows, loss, true);
                training.step(update(1e-3)); // away from B = 0
                Outcome before = training.learn(rows, loss, false);
                Outcome learned = training.learn(rows, loss, true);
                assertEquals(before.loss(), learned.loss(), 1e-4 * Math.abs(before.loss()));
                double norm = training.step(update(0));
                training.learn(rows, loss, true);
                // β₁ = β₂ = 0 and a huge ε make the update the gradient, over ε.
                double expected = 0.01 * Math.max(1, Math.abs(before.loss()));
                double rate = 1e6 * expected / (norm * norm);
                training.step(new Update(rate, new AdamW(0, 0, 1e6, false), 0, 0));
                double after = training.learn(rows, loss, false).loss();
                if (!(loss instanceof Loss.Cispo)) { // whose gradient isn't its value's
                    assertEquals(expected, before.loss() - after, 0.1 * expected, loss.toString());
                }
            }
        }
    }

    @Test
    void gradientsOfCallsAddUpAndAdaptersDontMix() throws IOException {
        var random = new Random(3);
        List<Row> first = rows(random, 5, ENTROPY);
        List<Row> second = rows(random, 4, ENTROPY);
        List<Row> both = new ArrayList<>(first);
        both.addAll(second);
        try (AdapterTraining parts = shared.open(LORA);
                AdapterTraining other = shared.open(new Lora(2, 9, true, false, true));
                AdapterTraining whole = shared.open(LORA)) {
            for (int step = 0; step < 3; step++) {
                parts.learn(first, ENTROPY, true);
                other.learn(second, ENTROPY, true);
                parts.learn(second, ENTROPY, true);
                parts.learn(second, ENTROPY, false);
                whole.learn(both, ENTROPY, true);
                other.step(update(1e-2));
                assertEquals(parts.step(update(1e-3)), whole.step(update(1e-3)), 1e-4);
            }
            assertNear(written(whole, "whole"), written(parts, "parts"), 2e-5f);
            assertEquals(3, other.steps());
        }
    }

    @Test
    void whatIsLoadedGoesOnToTheBit() throws IOException {
        var random = new Random(4);
        List<List<Row>> batches =
                List.of(
                        rows(random, 3, ENTROPY),
                        rows(random, 3, ENTROPY),
                        rows(random, 3, ENTROPY),
                        rows(random, 3, ENTROPY));
        Map<String, float[]> end;
        try (AdapterTraining training = shared.open(LORA)) {
            train(training, batches.subList(0, 2));
            written(training, "half");
            train(training, batches.subList(2, 4));
            end = written(training, "end");
        }
        try (AdapterTraining again = shared.open(new Lora(4, 77, true, true, false))) {
            again.learn(batches.getFirst(), ENTROPY, true); // forgotten
            again.load(folder.resolve("half"), true);
            assertEquals(2, again.steps());
            train(again, batches.subList(2, 4));
            assertNear(end, written(again, "again"), 0);
            again.load(folder.resolve("half"), false);
            assertEquals(0, again.steps());
            train(again, batches.subList(2, 4));
            assertThrows(AssertionError.class, () -> assertNear(end, written(again, "anew"), 0));
        }
        try (AdapterTraining narrow = shared.open(new Lora(4, 5, true, false, false))) {
            assertThrows(AttuneException.class, () -> narrow.load(folder.resolve("half"), true));
        }
    }

    private static void train(AdapterTraining training, List<List<Row>> batches) {
        for (List<Row> batch : batches) {
            training.learn(batch, ENTROPY, true);
            training.step(update(1e-2));
        }
    }

    /// A copy says what the adapter said when it was made, though it was trained on.
    @Test
    void copiesStayAsTheyAre() {
        List<Row> rows = rows(new Random(6), 3, ENTROPY);
        try (AdapterTraining training = shared.open(new Lora(4, 5, true, true, true))) {
            train(training, List.of(rows));
            float[] before = training.learn(rows, ENTROPY, false).logProbs().getFirst();
            var copy = training.copy(1000);
            train(training, List.of(rows, rows));
            Row row = rows.getFirst();
            float[] said =
                    Engine.call(
                            () -> {
                                TokenForest.Builder builder = TokenForest.builder();
                                int segment = builder.root(row.ids());
                                for (int t = 0; t < row.ids().length; t++) {
                                    builder.score(segment, t, row.targets()[t]);
                                }
                                return copy.scorer(decoder)
                                        .measure(builder.build(), HeadRequest.of())
                                        .tokenLogProbs();
                            });
            assertArrayEquals(before, said, 1e-4f);
            float[] now = training.learn(rows, ENTROPY, false).logProbs().getFirst();
            assertThrows(AssertionError.class, () -> assertArrayEquals(before, now, 1e-4f));
            Engine.run(copy::close);
            assertTrue(training.learn(rows, ENTROPY, false).loss() < 1e9); // the copy took nothing
        }
    }

    @Test
    void severalTargetsOfATokenAreRowsOfTheirOwn() {
        try (AdapterTraining training = shared.open(LORA)) {
            var wide =
                    new Row(
                            new int[] {1, 2},
                            new int[] {3, 4, 5, 6},
                            new double[] {0.5, 0.5, 1, 0},
                            new double[0]);
            var one = new Row(new int[] {1, 2}, new int[] {3, 5}, new double[2], new double[0]);
            Outcome all = training.learn(List.of(wide, one), ENTROPY, true);
            float[] four = all.logProbs().getFirst();
            float[] two = all.logProbs().get(1);
            assertEquals(4, four.length);
            assertEquals(two[0], four[0], 1e-5);
            assertEquals(two[1], four[2], 1e-5);
            assertEquals(-(0.5 * four[0] + 0.5 * four[1] + four[2]), all.loss(), 1e-5);
        }
    }

    @Test
    void refusesWhatItCantLearnFrom() {
        int[] two = {1, 2};
        double[] ones = {1, 1};
        double[] none = {};
        try (AdapterTraining training = shared.open(LORA)) {
            for (Row row :
                    List.of(
                            new Row(new int[0], new int[0], none, none),
                            new Row(new int[LENGTH + 1], new int[LENGTH + 1], none, none),
                            new Row(two, new int[] {1}, ones, none),
                            new Row(two, new int[] {1, -1}, ones, none),
                            new Row(new int[] {1, 1 << 20}, two, ones, none),
                            new Row(two, two, new double[] {1, Double.NaN}, none),
                            new Row(two, two, ones, ones))) {
                AttuneException e =
                        assertThrows(
                                AttuneException.class,
                                () -> training.learn(List.of(row), ENTROPY, true));
                assertTrue(e.getMessage().startsWith("row 0 "), e.getMessage());
            }
            assertThrows(AttuneException.class, () -> training.learn(List.of(), ENTROPY, true));
            var huge = new Row(two, two, new double[] {1e300, 1e300}, none);
            assertThrows(
                    AttuneException.class,
                    () -> {
                        training.learn(List.of(huge), ENTROPY, true);
                        training.step(update(1));
                    });
            assertEquals(0, training.step(update(0)));
        }
    }

    @Test
    void aRowWithoutAFiniteLossLeavesNoGradients() {
        int[] two = {1, 2};
        double[] ones = {1, 1};
        var unlikely = new Row(two, two, ones, new double[] {-1, -1e6}); // exp(1e6) times as likely
        var loss = new Loss.ImportanceSampling();
        try (AdapterTraining training = shared.open(LORA)) {
            training.learn(List.of(new Row(two, two, ones, ones)), loss, true);
            AttuneException e =
                    assertThrows(
                            AttuneException.class,
                            () -> training.learn(List.of(unlikely), loss, true));
            assertTrue(e.getMessage().contains("row 0"), e.getMessage());
            assertEquals(0, training.step(update(0)));
        }
    }
}
