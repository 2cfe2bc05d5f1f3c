package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.DeviceTraffic;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.List;

/// Passes whose attention is the GPU's own equal those in blocks, on the simulated GPU.
class FlashPathsTest {
    private static final String FORWARD = "aten::_flash_attention_forward";

    /// Of all numbers together: those in bfloat16 have 8 bits.
    private static final double ROUNDING = 0.02;

    private record Counted(Outcome outcome, long calls) {}

    private static Counted run(DecoderConfig config, Policy.Options options, boolean depthFirst) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder =
                                    TinyModels.decoder(
                                            config, DType.BFLOAT16, Devices.simulated());
                            Policy policy = Outcome.lora(decoder, Outcome.allLinear(0), options)) {
                        DeviceTraffic.start();
                        Outcome outcome = Outcome.of(policy, List.of(piece(config, depthFirst)));
                        long calls = DeviceTraffic.stop().byOperator().getOrDefault(FORWARD, 0L);
                        return new Counted(outcome, calls);
                    }
                });
    }

    private static Tree.Piece piece(DecoderConfig config, boolean depthFirst) {
        var tree = new Tree();
        int prompt = tree.root(TinyModels.tokens("prompt", config, 11));
        int a = tree.child(prompt, TinyModels.tokens("a", config, 7));
        int b = tree.child(prompt, TinyModels.tokens("b", config, 19));
        int c = tree.child(a, TinyModels.tokens("c", config, 3));
        int other = tree.root(TinyModels.tokens("other", config, 4));
        return depthFirst
                ? tree.shared(prompt, a, c, b, other)
                : tree.shared(prompt, a, b, c, other);
    }

    private static void assertNear(String what, float[] expected, float[] got) {
        double squares = 0;
        double difference = 0;
        for (int i = 0; i < expected.length; i++) {
            squares += (double) expected[i] * expected[i];
            difference += Math.pow(got[i] - expected[i], 2);
        }
        double share = Math.sqrt(difference / squares);
        assertTrue(share < ROUNDING, what + " differ by " + share + " of their size");
    }

    @Test
    void flashEqualsBlocks() {
        for (DecoderConfig config :
                List.of(TinyModels.llama(), TinyModels.qwen2(), TinyModels.wideHeads())) {
            Counted flash = run(config, Outcome.DEFAULT, true);
            Counted blocks = run(config, Outcome.DEFAULT, false);
            assertEquals(6, flash.calls(), "three levels in two blocks");
            assertEquals(0, blocks.calls());
            assertNear("log-probs", blocks.outcome().values(), flash.outcome().values());
            assertNear("gradients", blocks.outcome().gradients(), flash.outcome().gradients());
        }
    }

    /// Of two blocks one has a window that hides something.
    @Test
    void windowsAreLeftToBlocks() {
        assertEquals(3, run(TinyModels.mistral(6), Outcome.DEFAULT, true).calls());
    }

    @Test
    void recomputationIsBitForBit() {
        DecoderConfig config = TinyModels.llama();
        Counted kept = run(config, Outcome.DEFAULT, true);
        for (var way : List.of(Outcome.RECOMPUTE, Outcome.RECOMPUTE_FIRST)) {
            Counted again = run(config, way, true);
            assertTrue(again.calls() > kept.calls());
            kept.outcome().assertEqualTo("recomputed", again.outcome(), 0);
        }
        Counted attention = run(config, Outcome.KEEP_ATTENTION, true);
        assertEquals(kept.calls(), attention.calls());
        kept.outcome().assertEqualTo("attention kept", attention.outcome(), 0);
    }
}
