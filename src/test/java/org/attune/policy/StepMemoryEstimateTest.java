package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.config.DecoderConfig;
import org.attune.model.pass.ActivationBytes;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.tensor.VectorKernels;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The estimate of a step's memory against the tensors that a step keeps.
class StepMemoryEstimateTest {
    private static final int TOKENS = 300;
    private static final int SEGMENTS = 10;

    /// Short segments: the mask of a long one would count for more than these small models.
    private static TokenForest forest(DecoderConfig config) {
        var builder = TokenForest.builder();
        for (int i = 0; i < SEGMENTS; i++) {
            int root = builder.root(TinyModels.tokens("row " + i, config, TOKENS / SEGMENTS));
            builder.score(root, 0); // so that all tokens have rows
        }
        return builder.build();
    }

    /// What is kept between forward and backward, for one token.
    private static double keptPerToken(DecoderConfig config, Policy.Options options) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var decoder = TinyModels.decoder(config);
                            var policy = Outcome.lora(decoder, Outcome.allLinear(0), options)) {
                        long before = TensorScope.liveBytes();
                        try (var _ = policy.evaluate(forest(config), HeadRequest.of())) {
                            return (TensorScope.liveBytes() - before) / (double) TOKENS;
                        }
                    }
                });
    }

    private static ActivationBytes estimate(DecoderConfig config) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var decoder = TinyModels.decoder(config);
                            var _ = Outcome.lora(decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
                        return ActivationBytes.of(decoder);
                    }
                });
    }

    private static DecoderConfig config(String family) {
        return switch (family) {
            case "llama" -> TinyModels.llama();
            case "qwen3" -> TinyModels.qwen3();
            default -> TinyModels.smol(2, 64);
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen3", "smol"})
    void keptActivationsAreThoseOfTheFormula(String family) {
        DecoderConfig config = config(family);
        double kept = keptPerToken(config, Outcome.DEFAULT);
        // Position tables, and memory that all blocks use in turn, stand beside what they save.
        double turns = 2 * Float.BYTES * config.intermediateSize();
        assertEquals(kept, estimate(config).kept(Recomputation.NONE) + turns, 0.12 * kept);
    }

    /// What is kept of a token beyond what is where the first block is computed again.
    private static double moreThanAgain(DecoderConfig config, Policy.Options options) {
        return keptPerToken(config, options) - keptPerToken(config, Outcome.RECOMPUTE_FIRST);
    }

    /// The first of two blocks gives up all but its input.
    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen3", "smol"})
    void recomputingSomeBlocksKeepsTheOthers(String family) {
        DecoderConfig config = config(family);
        double given = moreThanAgain(config, Outcome.DEFAULT);
        ActivationBytes estimate = estimate(config);
        assertEquals(
                estimate.kept(Recomputation.NONE) - estimate.kept(Recomputation.ofBlocks(1)),
                given,
                0.02 * given);
    }

    /// It gives up all but its input and attention's output.
    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen3", "smol"})
    void whereAttentionIsKeptItsOutputStands(String family) {
        DecoderConfig config = config(family);
        double given = moreThanAgain(config, Outcome.KEEP_ATTENTION);
        ActivationBytes estimate = estimate(config);
        long kept = estimate.kept(new Recomputation(1, true));
        assertEquals(kept - estimate.kept(Recomputation.ofBlocks(1)), given, 0.02 * given);
        assertEquals(estimate.attended(), given, 0.02 * given);
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen3", "smol"})
    void recomputationKeepsTheInputs(String family) {
        DecoderConfig config = config(family);
        double kept = keptPerToken(config, Outcome.RECOMPUTE);
        ActivationBytes estimate = estimate(config);
        assertTrue(kept < estimate.kept(Recomputation.ALL), kept + " of " + estimate);
        assertTrue(
                estimate.kept(Recomputation.ALL) < estimate.kept(Recomputation.NONE),
                estimate.toString());
    }

    /// SmolLM2-135M with rank 16 on all layers, 2048 tokens in bfloat16: 9 · 64 query columns, 3 ·
    /// 64 key columns, 3 + 1 + 2 + 1 adapters.
    @Test
    void theEstimateIsTheFormula() {
        DecoderConfig config = TinyModels.smol(30, 49_152);
        ActivationBytes a = ActivationBytes.of(config, DType.BFLOAT16, 7 * 16);
        long input = 2 * 576;
        long saved = 2 * (4 * 576 + 2 * 576 + 2 * 192 + 2 * 1536 + 112) + 8;
        assertEquals(30 * saved + input, a.kept(Recomputation.NONE));
        assertEquals(20 * saved + 11 * input, a.kept(Recomputation.ofBlocks(10)));
        assertEquals(30 * input + saved, a.kept(Recomputation.ofBlocks(30)));
        assertEquals(a.kept(Recomputation.ofBlocks(30)), a.kept(Recomputation.ALL));
        assertEquals(2 * 576, a.attended());
        assertEquals(
                20 * saved + 11 * input + 10 * a.attended(), a.kept(new Recomputation(10, true)));
        assertEquals(30 * input + 29 * a.attended() + saved, a.kept(new Recomputation(30, true)));
        assertEquals(2 * (4 * 1536 + 3 * 576), a.atWork());
        long scores = 3L * 2 * 9 * 256 * 2048;
        var memory = new StepMemory(config, DType.BFLOAT16, a, 1_000_000, 300_000);
        assertEquals(8_000_000, memory.optimizer());
        assertEquals(VectorKernels.isAvailable(), VectorKernels.fit(DType.BFLOAT16, 49_152));
        long logits = // 512 rows of 3 · 2^23 / V, or 170 of a third with temporaries
                VectorKernels.isAvailable() ? 512L * 49_152 * 2 : 170L * 49_152 * 14;
        long head = logits + 8L * 2 * 2048 * 576;
        assertEquals(
                (long) (1.12 * (2048 * (a.kept(Recomputation.NONE) + a.atWork()) + scores + head)),
                memory.pass(2048, Recomputation.NONE));
        assertEquals(
                memory.optimizer()
                        + 1_200_000 // gradients
                        + (long)
                                (1.12
                                        * (2048 * (a.kept(Recomputation.ofBlocks(30)) + a.atWork())
                                                + scores
                                                + head)),
                memory.bytes(2048, Recomputation.ALL));
        assertEquals(
                memory.bytes(2048, Recomputation.ALL) - 1_200_000,
                memory.toCome(2048, Recomputation.ALL));
        long longRow =
                16_384 * (a.kept(Recomputation.NONE) + a.atWork()) + 3L * 2 * 9 * 64 * 16_384;
        long longHead = logits + 8L * 2 * 16_384 * 576;
        assertEquals(1.2 * (longRow + longHead), memory.pass(16_384, Recomputation.NONE), 1);
    }
}
