package org.attune.trainers.sft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.attune.datasets.rows.RowOrigin;
import org.attune.tensor.Engine;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.testing.BigramPolicy;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.ShortRun;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;

/// Tokens that count more or less than others.
class WeightedRowsTest {
    private static final int VOCABULARY = 7;

    @TempDir private Path folder;

    private static SftExample document(float weight, int... ids) {
        boolean[] mask = new boolean[ids.length];
        Arrays.fill(mask, weight > 0);
        float[] weights = new float[ids.length];
        Arrays.fill(weights, weight);
        return new SftExample(ids, mask, weights, new RowOrigin("rows.jsonl", 1, 0));
    }

    private static SftExample plain(int... ids) {
        boolean[] mask = new boolean[ids.length];
        Arrays.fill(mask, true);
        return new SftExample(ids, mask, new RowOrigin("rows.jsonl", 1, 0));
    }

    private static PackedRow row(SftExample... documents) {
        return new PackedRow(List.of(documents));
    }

    /// @param weights after training
    /// @param losses of the steps
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record End(float[] weights, double[] losses, double heldOut) {}

    private End train(String name, SftLossType loss, PackedRow... rows) {
        SftConfig config =
                SftConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("bigram"))
                        .withData(_ -> DataConfig.of("rows.jsonl").withTestSplitSize(3))
                        .withLoss(l -> l.withLossType(loss))
                        .withTraining(t -> ShortRun.of(t, 3, 1e-2, folder.resolve(name)));
        return Engine.call(
                () -> {
                    var listener = new RecordingListener();
                    try (var policy = BigramPolicy.seeded(VOCABULARY, 1)) {
                        RunContext context =
                                RunContext.of(
                                                path ->
                                                        Files.writeString(
                                                                path.resolve("model.txt"), "x"))
                                        .withListeners(listener);
                        List<EvalSet<PackedRow>> sets = List.of(new EvalSet<>("", List.of(rows)));
                        var summary =
                                SftObjective.trainer(
                                                config,
                                                policy,
                                                Optional.empty(),
                                                List.of(rows),
                                                sets,
                                                context)
                                        .train();
                        double[] losses =
                                listener.logs.stream()
                                        .filter(log -> log.get("loss") != null)
                                        .mapToDouble(
                                                log -> ((Number) log.get("loss")).doubleValue())
                                        .toArray();
                        return new End(
                                policy.parameters().values().toFloats(),
                                losses,
                                summary.heldout().orElseThrow().after().orElseThrow());
                    }
                });
    }

    private static void assertSame(End expected, End got) {
        assertArrayEquals(expected.weights(), got.weights(), 1e-6f);
        assertArrayEquals(expected.losses(), got.losses(), 1e-6);
    }

    @Test
    void aWeightOfTwoIsTheRowTwice() {
        for (SftLossType loss : EnumSet.complementOf(EnumSet.of(SftLossType.ASFT))) {
            End twice =
                    train(
                            "twice" + loss,
                            loss,
                            row(plain(1, 2, 3)),
                            row(plain(1, 2, 3)),
                            row(plain(4, 5, 4, 5)));
            End weighted =
                    train(
                            "weighted" + loss,
                            loss,
                            row(document(2, 1, 2, 3)),
                            row(plain(4, 5, 4, 5)));
            assertSame(twice, weighted);
        }
    }

    @Test
    void equalWeightsChangeNothing() {
        End even = train("even", SftLossType.NLL, row(plain(1, 2, 3)), row(plain(4, 5)));
        End half =
                train(
                        "half",
                        SftLossType.NLL,
                        row(document(0.5f, 1, 2, 3)),
                        row(document(0.5f, 4, 5)));
        assertSame(even, half);
        assertEquals(even.heldOut(), half.heldOut(), 1e-6);
    }

    @Test
    void packedAndUnpackedAgree() {
        SftExample first = document(0.25f, 1, 2, 3);
        SftExample second = plain(4, 5, 4, 5);
        End apart = train("apart", SftLossType.NLL, row(first), row(second));
        End packed = train("packed", SftLossType.NLL, row(first, second));
        assertSame(apart, packed);
    }

    @Test
    void otherWeightsAreOtherData() {
        assertFalse(
                Fingerprints.ofRows(List.of(row(document(0.5f, 1, 2))))
                        .equals(Fingerprints.ofRows(List.of(row(document(0.25f, 1, 2))))));
    }
}
