package org.attune.policy;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;

import java.util.Arrays;
import java.util.List;

/// Tokens a second of LoRA passes over 128 to 4096 tokens at once, with everything kept and with
/// recomputation: `main ROUNDS`. Segments of 128 tokens in six blocks of SmolLM2-135M's shape; the
/// sizes take turns, and of each the fastest round counts.
public final class TokenBudgetBench {
    private static final int[] SIZES = {128, 256, 512, 1024, 2048, 4096};
    private static final int SEGMENT = 128;
    private static final int TOKENS = 2048;
    private static final DecoderConfig CONFIG = TinyModels.smol(6, 16_384);
    private static final List<Policy.Options> WAYS = List.of(Outcome.DEFAULT, Outcome.RECOMPUTE);

    private TokenBudgetBench() {}

    public static void main(String[] args) {
        int rounds = Integer.parseInt(args[0]);
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("bench");
                            Decoder decoder =
                                    TinyModels.decoder(CONFIG, Engine.fastestDtype(Device.cpu()));
                            Policy policy =
                                    Outcome.lora(decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
                        measure(policy, rounds);
                    }
                });
    }

    private static void measure(Policy policy, int rounds) {
        double[][] most = new double[WAYS.size()][SIZES.length];
        for (int round = 0; round < rounds; round++) {
            for (int way = 0; way < WAYS.size(); way++) {
                policy.setOptions(WAYS.get(way));
                for (int i = 0; i < SIZES.length; i++) {
                    most[way][i] = Math.max(most[way][i], tokensPerSecond(policy, SIZES[i]));
                }
            }
        }
        for (int i = 0; i < SIZES.length; i++) {
            System.out.printf(
                    "%d at once: %.0f tokens/s, recomputing %.0f%n",
                    SIZES[i], most[0][i], most[1][i]);
        }
    }

    private static double tokensPerSecond(Policy policy, int size) {
        var builder = TokenForest.builder();
        for (int s = 0; s < size / SEGMENT; s++) {
            int root = builder.root(TinyModels.tokens("segment " + s, CONFIG, SEGMENT));
            for (int j = 1; j < SEGMENT; j++) {
                builder.target(root, j);
            }
        }
        TokenForest forest = builder.build();
        float[] weights = new float[forest.targetCount()];
        Arrays.fill(weights, 1e-3f);
        int passes = Math.max(1, TOKENS / size);
        long start = System.nanoTime();
        for (int i = 0; i < passes; i++) {
            try (Evaluation e = policy.evaluate(forest, HeadRequest.of())) {
                e.backward(weights);
            }
        }
        return passes * (double) size / ((System.nanoTime() - start) / 1e9);
    }
}
