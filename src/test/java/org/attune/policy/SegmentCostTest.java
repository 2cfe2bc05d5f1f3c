package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.Decoder;
import org.attune.model.DecoderConfig;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Arrays;

/// Packing costs nothing: 32 segments of 64 tokens against one of 2048.
@Tag("slow")
class SegmentCostTest {
    private static final DecoderConfig CONFIG = TinyModels.smol(4, 8192);
    private static final int ROUNDS = 5;

    private static TokenForest forest(int segments, int length) {
        var builder = TokenForest.builder();
        for (int i = 0; i < segments; i++) {
            int root = builder.root(TinyModels.tokens("segment " + i, CONFIG, length));
            for (int j = 1; j < length; j++) {
                builder.target(root, j);
            }
        }
        return builder.build();
    }

    /// Attention of a segment of 64 tokens is 1/32 of that of 2048, so "all but attention" of the
    /// long one is taken from what it costs beyond the packed one: the packed one must not cost
    /// more than 1.2 × the long one in all, and the long one's attention counts against us.
    @Test
    void packedSegmentsCostNoMoreThanOneLongOne() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder =
                                    TinyModels.decoder(CONFIG, Engine.fastestDtype(Device.cpu()));
                            Policy policy =
                                    Outcome.lora(decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
                        TokenForest packed = forest(32, 64);
                        TokenForest one = forest(1, 2048);
                        double fastestPacked = Double.POSITIVE_INFINITY;
                        double fastestOne = Double.POSITIVE_INFINITY;
                        for (int i = 0; i < ROUNDS; i++) { // alternating: same disturbances
                            fastestPacked = Math.min(fastestPacked, seconds(policy, packed));
                            fastestOne = Math.min(fastestOne, seconds(policy, one));
                        }
                        String line =
                                "32 × 64: %.3f s, 1 × 2048: %.3f s"
                                        .formatted(fastestPacked, fastestOne);
                        System.out.println(line);
                        assertTrue(fastestPacked < 1.2 * fastestOne, line);
                    }
                });
    }

    private static double seconds(Policy policy, TokenForest forest) {
        float[] weights = new float[forest.targetCount()];
        Arrays.fill(weights, 1e-3f);
        long start = System.nanoTime();
        try (Evaluation e = policy.evaluate(forest, HeadRequest.of())) {
            e.backward(weights);
        }
        return (System.nanoTime() - start) / 1e9;
    }
}
