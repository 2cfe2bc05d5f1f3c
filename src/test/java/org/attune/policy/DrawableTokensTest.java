package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

class DrawableTokensTest {
    /// Probabilities 0.5, 0.3, 0.2. Of the first two: 0.625, 0.375. Of the last: 1.
    @Test
    void probabilitiesAreOfTheTokensThatWereLeft() {
        float[] p =
                Engine.call(
                        () -> {
                            try (var _ = TensorScope.open("test")) {
                                float a = (float) Math.log(0.5);
                                float b = (float) Math.log(0.3);
                                float c = (float) Math.log(0.2);
                                float[] z = {a, b, c, a, b, c, a, b, c};
                                var drawable =
                                        new DrawableTokens(
                                                List.of(
                                                        new int[] {9},
                                                        new int[] {0, 1},
                                                        new int[0],
                                                        new int[] {2}));
                                return drawable.restrict(Tensor.of(Devices.usual(), z, 3, 3), 1, 1)
                                        .softmaxInPlace()
                                        .toFloats();
                            }
                        });
        assertArrayEquals(new float[] {0.625f, 0.375f, 0, 0.5f, 0.3f, 0.2f, 0, 0, 1}, p, 1e-6f);
    }

    private static TokenForest forest(DecoderConfig config) {
        var builder = TokenForest.builder();
        int root = builder.root(TinyModels.tokens("prompt", config, 9));
        for (int i = 1; i < 9; i++) {
            builder.target(root, i);
        }
        return builder.build();
    }

    /// Every third target has no mask, the others have the target's token and up to 20 others.
    private static List<int[]> drawable(TokenForest forest) {
        List<int[]> drawable = new ArrayList<>();
        for (int m = 0; m < forest.targetCount(); m++) {
            int target = forest.targetTokens()[m];
            int[] ids = new int[m % 3 == 2 ? 0 : 3 + 2 * m];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = (target + 2 * i) % 24;
            }
            drawable.add(ids);
        }
        return drawable;
    }

    /// By kernels, by operators, and with a trained head, whose gradients come in a second pass.
    @Test
    void gradientsEqualDifferences() {
        DecoderConfig config = TinyModels.llama();
        TokenForest forest = forest(config);
        for (boolean operators : new boolean[] {false, true}) {
            for (boolean trained : new boolean[] {false, true}) {
                Engine.run(
                        () -> {
                            try (var _ = TensorScope.open("test");
                                    Decoder decoder = TinyModels.decoder(config)) {
                                compare(decoder, forest, operators, trained);
                            }
                        });
            }
        }
    }

    private static void compare(
            Decoder decoder, TokenForest forest, boolean operators, boolean trained) {
        int width = decoder.config().hiddenSize();
        float[] x = new float[forest.size() * width];
        var random = TinyModels.random("hidden");
        for (int i = 0; i < x.length; i++) {
            x[i] = 4 * random.nextFloat() - 2;
        }
        Set<HeadStatistic> entropy = Set.of(HeadStatistic.ENTROPY);
        HeadRequest request =
                new HeadRequest(entropy, 0.7, operators ? entropy : Set.of())
                        .within(drawable(forest));
        float[] weights = new float[forest.targetCount()];
        for (int m = 0; m < weights.length; m++) {
            weights[m] = 1 - 0.3f * m;
        }
        if (trained) {
            decoder.output()
                    .weight()
                    .trainBase(
                            Tensor.zeros(
                                    Devices.usual(),
                                    DType.FLOAT32,
                                    decoder.config().vocabSize(),
                                    width));
        }
        float[] slopes;
        try (OutputHead head = head(decoder, x, forest, request)) {
            slopes =
                    head.backward(
                                    weights,
                                    operators ? Map.of(HeadStatistic.ENTROPY, weights) : Map.of())
                            .toFloats();
        }
        float h = 1f / 64;
        for (int i : new int[] {3, width + 5, 2 * width + 7, 4 * width + 11}) {
            x[i] += h;
            double up = loss(decoder, x, forest, request, weights, operators);
            x[i] -= 2 * h;
            double down = loss(decoder, x, forest, request, weights, operators);
            x[i] += h;
            assertClose("slope of " + i, (up - down) / (2 * h), slopes[i], 2e-3, 5e-3);
        }
    }

    private static OutputHead head(
            Decoder decoder, float[] x, TokenForest forest, HeadRequest request) {
        Tensor hidden = Tensor.of(Devices.usual(), x, forest.size(), decoder.config().hiddenSize());
        return new OutputHead(
                decoder, hidden, forest, request, OutputHead.Use.training(Adapter.OFF));
    }

    private static double loss(
            Decoder decoder,
            float[] x,
            TokenForest forest,
            HeadRequest request,
            float[] weights,
            boolean withEntropy) {
        try (OutputHead head = head(decoder, x, forest, request)) {
            float[] logProbs = head.measurement().tokenLogProbs();
            float[] entropy = head.measurement().statistic(HeadStatistic.ENTROPY);
            double sum = 0;
            for (int m = 0; m < weights.length; m++) {
                sum += weights[m] * (logProbs[m] + (withEntropy ? entropy[m] : 0));
            }
            return sum;
        }
    }

    @Test
    void oneTokenThatWasLeftIsCertain() {
        DecoderConfig config = TinyModels.llama();
        TokenForest forest = forest(config);
        List<int[]> alone = new ArrayList<>();
        for (int m = 0; m < forest.targetCount(); m++) {
            alone.add(new int[] {forest.targetTokens()[m]});
        }
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(config);
                            OutputHead head =
                                    head(
                                            decoder,
                                            new float[forest.size() * config.hiddenSize()],
                                            forest,
                                            HeadRequest.of(HeadStatistic.ENTROPY).within(alone))) {
                        for (int m = 0; m < alone.size(); m++) {
                            assertEquals(0, head.measurement().tokenLogProbs()[m]);
                            assertEquals(
                                    0,
                                    head.measurement().statistic(HeadStatistic.ENTROPY)[m],
                                    1e-6);
                        }
                    }
                });
    }
}
