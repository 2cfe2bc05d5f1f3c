package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;

/// A token that doesn't see itself, as padding whose keys are masked.
class OnlookerTest {
    private static float[] logProbs(DecoderConfig config, boolean plain, boolean onlooker) {
        try (Decoder decoder = TinyModels.decoder(config);
                Policy policy =
                        Policy.withAllWeights(decoder, plain ? Outcome.PLAIN : Outcome.DEFAULT)) {
            var builder = TokenForest.builder();
            int prompt = builder.root(TinyModels.tokens("prompt", config, 20));
            int child = builder.child(prompt, TinyModels.tokens("child", config, 3));
            builder.target(child, 1);
            int last =
                    onlooker ? builder.onlooker(child, 0, 0) : builder.child(child, new int[] {0});
            for (int token = 0; token < 3; token++) {
                builder.score(last, token); // what it predicts
            }
            int other = builder.child(prompt, TinyModels.tokens("other", config, 2));
            builder.target(other, 1);
            try (Evaluation e = policy.evaluate(builder.build(), HeadRequest.of())) {
                e.backward(new float[] {1, 2, -1, 3, 1});
                return e.measurement().tokenLogProbs();
            }
        }
    }

    @Test
    void itSeesItsAncestorsAlone() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        for (DecoderConfig config :
                                List.of(
                                        TinyModels.llama(),
                                        TinyModels.mistral(16),
                                        TinyModels.everything())) {
                            float[] written = logProbs(config, false, true);
                            float[] plain = logProbs(config, true, true);
                            assertClose("both ways", plain, written, 1e-5, 1e-5);
                            float[] seeing = logProbs(config, false, false);
                            assertTrue(Math.abs(seeing[1] - written[1]) > 1e-4, "as if it saw");
                            float[] others = {seeing[0], seeing[4]};
                            assertClose(
                                    "others don't see it",
                                    others,
                                    new float[] {written[0], written[4]},
                                    1e-6,
                                    0);
                        }
                    }
                });
    }

    @Test
    void itNeedsSomethingToSee() {
        var builder = TokenForest.builder();
        assertThrows(
                IllegalArgumentException.class, () -> builder.onlooker(TokenForest.ROOT, 1, 0));
        assertTrue(Arrays.equals(new int[0], builder.build().tokens()));
    }

    /// Other onlookers between it and the path move it on, and are not seen.
    @Test
    void itStandsBehindOthers() {
        Engine.run(
                () -> {
                    DecoderConfig config = TinyModels.llama();
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(config);
                            Policy policy = Policy.withAllWeights(decoder, Outcome.DEFAULT)) {
                        var builder = TokenForest.builder();
                        int root = builder.root(TinyModels.tokens("root", config, 5));
                        builder.score(builder.onlooker(root, 2, 0), 1);
                        builder.score(builder.onlooker(root, 2, 3), 1);
                        TokenForest forest = builder.build();
                        assertTrue(
                                Arrays.equals(new int[] {0, 1, 2, 3, 4, 5, 8}, forest.positions()));
                        float[] logProbs = policy.measure(forest, HeadRequest.of()).tokenLogProbs();
                        assertTrue(Math.abs(logProbs[0] - logProbs[1]) > 1e-5, "other distances");
                        assertThrows(
                                IllegalArgumentException.class,
                                () -> builder.onlooker(root, 2, -1));
                    }
                });
    }
}
