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
import java.util.List;

/// Packing costs nothing: 32 segments of 64 tokens against one of 2048.
@Tag("slow")
class SegmentCostTest {
    private static final DecoderConfig CONFIG = TinyModels.smol(4, 8192);
    private static final int ROUNDS = 8;

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

    /// Attention over `n` tokens is work of `n²`: two segments of 1024 have half of that of 2048
    /// and all else alike, so the difference is half the attention of the long one, and
    /// ```
    /// all but attention = one − 2 (one − two) = 2 two − one
    /// ```
    /// Of the short segments the attention is counted, against us. The kinds take turns, so that
    /// what disturbs one disturbs all, and of each the fastest counts.
    @Test
    void shortSegmentsCostNoMoreThanALongOneWithoutItsAttention() {
        List<TokenForest> kinds = List.of(forest(32, 64), forest(2, 1024), forest(1, 2048));
        double[] fastest = new double[kinds.size()];
        Arrays.fill(fastest, Double.POSITIVE_INFINITY);
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder =
                                    TinyModels.decoder(CONFIG, Engine.fastestDtype(Device.cpu()));
                            Policy policy =
                                    Outcome.lora(decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
                        for (int round = 0; round < ROUNDS; round++) {
                            for (int i = 0; i < fastest.length; i++) {
                                fastest[i] = Math.min(fastest[i], seconds(policy, kinds.get(i)));
                            }
                        }
                    }
                });
        double allButAttention = 2 * fastest[1] - fastest[2];
        String line =
                "32 × 64: %.3f s, 2 × 1024: %.3f s, 1 × 2048: %.3f s, %.3f s of it not attention: ratio %.2f"
                        .formatted(
                                fastest[0],
                                fastest[1],
                                fastest[2],
                                allButAttention,
                                fastest[0] / allButAttention);
        System.out.println(line);
        assertTrue(fastest[0] < 1.2 * allButAttention, line);
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
