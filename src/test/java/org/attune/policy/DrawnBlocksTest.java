package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.model.config.DecoderConfig;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;

/// Draws of blocks that learn in turn.
class DrawnBlocksTest {
    private static List<Set<Integer>> draws(long seed) {
        var plan = new DrawnBlocks.Plan(3, 20, seed);
        return LongStream.range(0, 2000).mapToObj(turn -> plan.of(turn, 12)).toList();
    }

    @Test
    void followTheSeedAndTheTurnAlone() {
        assertEquals(draws(42), draws(42));
        assertNotEquals(draws(42), draws(43));
        assertNotEquals(draws(42).subList(0, 10), draws(42).subList(1, 11));
    }

    /// A quarter of 2000, within five deviations.
    @Test
    void takeEachBlockAsOftenAsAnother() {
        List<Set<Integer>> draws = draws(42);
        for (int block = 0; block < 12; block++) {
            int own = block;
            long count = draws.stream().filter(d -> d.contains(own)).count();
            assertEquals(500, count, 5 * Math.sqrt(2000 * 0.25 * 0.75), "block " + block);
        }
        assertTrue(draws.stream().allMatch(d -> d.size() == 3));
    }

    private static String refusal(DecoderConfig config, int blocks) {
        return Engine.call(
                () -> {
                    try (var decoder = TinyModels.decoder(config)) {
                        return assertThrows(
                                        ConfigException.class,
                                        () ->
                                                Policy.withWeights(
                                                        decoder, blocks, 20, Outcome.DEFAULT))
                                .getMessage();
                    }
                });
    }

    @Test
    void needBlocksThatCanTakeEachOthersPlace() {
        assertEquals(
                "lisa_n_layers: 3; accepted: 1 to 2, the blocks of the model",
                refusal(TinyModels.llama(), 3));
        String unlike = refusal(StateModelsTest.MODELS.getFirst(), 1);
        assertTrue(
                unlike.startsWith("lisa_n_layers: 1; accepted with models whose blocks"), unlike);
    }

    /// In float32, though the weights are in half precision.
    @Test
    void keepTheNumbersOfWhatAlwaysLearns() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var decoder = TinyModels.decoder(TinyModels.llama(), DType.BFLOAT16);
                            var policy = Policy.withWeights(decoder, 1, 20, Outcome.DEFAULT)) {
                        FlatParameters flat = policy.parameters();
                        float fine = 1 + 0x1p-20f;
                        flat.values().fillInPlace(fine);
                        flat.valuesChanged();
                        String before = flat.parameters().toString();
                        long turn = 1;
                        while (flat.parameters().toString().equals(before)) {
                            flat.draw(20 * turn++);
                        }
                        for (ParameterSpace.Parameter p : flat.parameters()) {
                            float value =
                                    flat.value(p).reshape(p.count()).narrow(0, 0, 1).toFloats()[0];
                            assertEquals(flat.isLasting(p), value == fine, p.name());
                        }
                    }
                });
    }

    /// A reference that follows the policy would lose the blocks that rest.
    @Test
    void haveNoReferenceThatFollows() {
        Engine.run(
                () -> {
                    try (var decoder = TinyModels.decoder(TinyModels.llama());
                            var other = TinyModels.decoder(TinyModels.llama());
                            var policy = Policy.withWeights(decoder, 1, 20, Outcome.DEFAULT)) {
                        String message =
                                assertThrows(
                                                ConfigException.class,
                                                () -> policy.movingModel(other, Scorer.Start.SAME))
                                        .getMessage();
                        assertTrue(message.contains("sync_ref_model: false"), message);
                    }
                });
    }
}
