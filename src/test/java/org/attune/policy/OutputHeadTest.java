package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.config.AttentionConfig;
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

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/// The chunked head against a plain computation in double precision.
class OutputHeadTest {
    private static final Set<HeadStatistic> ALL =
            EnumSet.complementOf(
                    EnumSet.of(
                            HeadStatistic.DIVERGENCE,
                            HeadStatistic.MATCHED_DIVERGENCE,
                            HeadStatistic.STATE));

    private static final OutputHead.Use USE = OutputHead.Use.training(Adapter.OFF);

    /// So many rows that the head takes several chunks.
    private static final DecoderConfig WIDE =
            TinyModels.sized(
                    "llama",
                    8,
                    12,
                    262_144,
                    1,
                    new AttentionConfig(2, 1, 4, false, false, false, List.of(0)),
                    false,
                    false);

    private static void onEngine(Runnable body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        body.run();
                    }
                });
    }

    /// Two children, so that one row predicts two targets.
    private static TokenForest forest(DecoderConfig config, int length) {
        var builder = TokenForest.builder();
        int prompt = builder.root(TinyModels.tokens("prompt", config, 3));
        for (String name : List.of("a", "b")) {
            int child = builder.child(prompt, TinyModels.tokens(name, config, length));
            for (int i = 0; i < length; i++) {
                builder.target(child, i);
            }
        }
        return builder.build();
    }

    /// @param logProb of the target
    private record Naive(
            double logProb,
            double entropy,
            double topEntropy,
            double hit,
            double meanLogit,
            double meanLogProb,
            int vocabulary) {
        double smoothed(double e) {
            return (1 - e) * logProb + e * meanLogProb;
        }
    }

    /// Everything about one target, from the hidden state before the final norm.
    private static Naive naive(
            double[] hidden, double[] norm, float[] head, int target, DecoderConfig c, double t) {
        int width = c.hiddenSize();
        double square = Arrays.stream(hidden).map(x -> x * x).sum() / width;
        double r = 1 / Math.sqrt(square + c.normEps());
        double[] z = new double[c.vocabSize()];
        for (int v = 0; v < z.length; v++) {
            for (int i = 0; i < width; i++) {
                z[v] += hidden[i] * r * norm[i] * head[v * width + i] / t;
            }
        }
        double max = Arrays.stream(z).max().orElseThrow();
        double lse = max + Math.log(Arrays.stream(z).map(x -> Math.exp(x - max)).sum());
        double entropy = -Arrays.stream(z).map(x -> Math.exp(x - lse) * (x - lse)).sum();
        double mean = Arrays.stream(z).average().orElseThrow();
        double hit = z[target] == max ? 1 : 0;
        return new Naive(z[target] - lse, entropy, topEntropy(z), hit, mean, mean - lse, z.length);
    }

    private static double topEntropy(double[] z) {
        double[] top = Arrays.stream(z).sorted().skip(Math.max(0, z.length - 20)).toArray();
        double sum = Arrays.stream(top).map(x -> Math.exp(x - z[0])).sum();
        return -Arrays.stream(top)
                .map(x -> Math.exp(x - z[0]) / sum)
                .map(p -> p * Math.log(p))
                .sum();
    }

    private static Tensor hidden(DecoderConfig config, int rows) {
        int width = config.hiddenSize();
        var random = TinyModels.random("hidden");
        float[] values = new float[rows * width];
        for (int i = 0; i < values.length; i++) {
            values[i] = 4 * random.nextFloat() - 2;
        }
        return Tensor.of(Devices.usual(), values, rows, width);
    }

    private static void compareWithNaive(DecoderConfig config, int length, double temperature) {
        compareWithNaive(config, length, temperature, 0);
    }

    private static void compareWithNaive(
            DecoderConfig config, int length, double temperature, double smoothing) {
        TokenForest forest = forest(config, length);
        onEngine(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(config)) {
                        Tensor x = hidden(config, forest.size());
                        var request =
                                new HeadRequest(ALL, temperature).withLabelSmoothing(smoothing);
                        Measurement got;
                        try (var head = new OutputHead(decoder, x, forest, request, USE)) {
                            got = head.measurement();
                        }
                        double[] norm = decoder.finalNorm().weights().getFirst().base().toDoubles();
                        float[] weights = decoder.output().weight().base().toFloats();
                        for (int m = 0; m < forest.targetCount(); m++) {
                            double[] row = x.select(0, forest.targetSources()[m]).toDoubles();
                            Naive n =
                                    naive(
                                            row,
                                            norm,
                                            weights,
                                            forest.targetTokens()[m],
                                            config,
                                            temperature);
                            compare(n, smoothing, got, m);
                        }
                    }
                });
    }

    private static void compare(Naive n, double smoothing, Measurement got, int m) {
        assertClose("log-prob " + m, n.smoothed(smoothing), got.tokenLogProbs()[m], 1e-5, 1e-5);
        // A sum over the vocabulary: for 262 144 terms, 1.1e-5 was measured.
        assertClose(
                "entropy " + m, n.entropy(), got.statistic(HeadStatistic.ENTROPY)[m], 1e-5, 3e-5);
        assertClose(
                "entropy of the top " + m,
                n.topEntropy(),
                got.statistic(HeadStatistic.TOP_ENTROPY)[m],
                1e-5,
                1e-5);
        assertClose(
                "mean logit " + m,
                n.meanLogit(),
                got.statistic(HeadStatistic.MEAN_LOGIT)[m],
                1e-5,
                1e-5);
        assertClose(
                "sum of logits " + m,
                n.meanLogit() * n.vocabulary(),
                got.statistic(HeadStatistic.SUM_LOGIT)[m],
                1e-5 * n.vocabulary(),
                1e-5);
        assertEquals(n.hit(), got.statistic(HeadStatistic.ARGMAX_HIT)[m], "hit " + m);
    }

    @Test
    void everyStatisticEqualsThePlainComputation() {
        for (double temperature : new double[] {1, 0.7, 2.5}) {
            compareWithNaive(TinyModels.llama(), 60, temperature);
            compareWithNaive(TinyModels.tiedLlama(), 60, temperature);
        }
    }

    @Test
    void severalChunksEqualThePlainComputation() {
        compareWithNaive(WIDE, 40, 0.9); // 80 targets in chunks of 64
    }

    @Test
    void aSmoothedLabelEqualsThePlainComputation() {
        compareWithNaive(TinyModels.llama(), 60, 0.7, 0.1);
        compareWithNaive(WIDE, 40, 1, 0.3);
    }

    @Test
    void someTargetsAreHit() {
        DecoderConfig config = TinyModels.llama();
        TokenForest forest = forest(config, 400);
        onEngine(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(config);
                            var head =
                                    new OutputHead(
                                            decoder,
                                            hidden(config, forest.size()),
                                            forest,
                                            HeadRequest.of(HeadStatistic.ARGMAX_HIT),
                                            OutputHead.Use.measuring(Adapter.OFF))) {
                        float[] hits = head.measurement().statistic(HeadStatistic.ARGMAX_HIT);
                        double sum = 0;
                        for (float h : hits) {
                            sum += h;
                        }
                        assertTrue(sum > 0 && sum < hits.length, "hits: " + sum);
                    }
                });
    }

    private static float[] weights(int m) {
        float[] weights = new float[m];
        for (int i = 0; i < m; i++) {
            weights[i] = Outcome.weight(i);
        }
        return weights;
    }

    @Test
    void hiddenGradientsEqualFiniteDifferences() {
        DecoderConfig config = TinyModels.llama();
        TokenForest forest = forest(config, 20);
        for (boolean trained : new boolean[] {false, true}) {
            for (double smoothing : new double[] {0, 0.3}) {
                onEngine(() -> compareWithDifferences(config, forest, trained, smoothing));
            }
        }
    }

    private static void compareWithDifferences(
            DecoderConfig config, TokenForest forest, boolean trained, double smoothing) {
        double temperature = 0.7;
        var request = new HeadRequest(Set.of(), temperature).withLabelSmoothing(smoothing);
        try (Decoder decoder = TinyModels.decoder(config)) {
            Tensor x = hidden(config, forest.size());
            Tensor headGradient =
                    Tensor.zeros(
                            Devices.usual(),
                            DType.FLOAT32,
                            config.vocabSize(),
                            config.hiddenSize());
            float[] gradient;
            if (trained) {
                decoder.output().weight().trainBase(headGradient);
            }
            try (var head = new OutputHead(decoder, x, forest, request, USE)) {
                gradient = head.backward(weights(forest.targetCount())).toFloats();
            }
            double[] values = x.toDoubles();
            float[] matrix = decoder.output().weight().base().toFloats();
            double[] norm = decoder.finalNorm().weights().getFirst().base().toDoubles();
            // Row 2 ends the prompt and predicts two targets; row 22 predicts none.
            for (int i : new int[] {64, 70, 95, 32 * 7 + 5, 32 * 30, 32 * 22 + 3}) {
                double h = 1e-5;
                double[] up = values.clone();
                up[i] += h;
                double[] down = values.clone();
                down[i] -= h;
                double slope =
                        (loss(config, forest, up, norm, matrix, smoothing)
                                        - loss(config, forest, down, norm, matrix, smoothing))
                                / (2 * h);
                assertClose("gradient of " + i, slope, gradient[i], 1e-6, 1e-4);
            }
            if (trained) {
                compareHeadGradient(config, forest, values, norm, matrix, headGradient, smoothing);
            }
        }
    }

    private static void compareHeadGradient(
            DecoderConfig config,
            TokenForest forest,
            double[] values,
            double[] norm,
            float[] matrix,
            Tensor headGradient,
            double smoothing) {
        float[] gradient = headGradient.toFloats();
        for (int i : new int[] {0, 33, 500}) {
            float h = 1f / 256;
            float[] up = matrix.clone();
            up[i] += h;
            float[] down = matrix.clone();
            down[i] -= h;
            double slope =
                    (loss(config, forest, values, norm, up, smoothing)
                                    - loss(config, forest, values, norm, down, smoothing))
                            / ((double) up[i] - down[i]);
            assertClose("head gradient of " + i, slope, gradient[i], 1e-5, 1e-3);
        }
    }

    private static double loss(
            DecoderConfig config,
            TokenForest forest,
            double[] x,
            double[] norm,
            float[] head,
            double smoothing) {
        int width = config.hiddenSize();
        double sum = 0;
        for (int m = 0; m < forest.targetCount(); m++) {
            int row = forest.targetSources()[m];
            double[] hidden = Arrays.copyOfRange(x, row * width, (row + 1) * width);
            Naive n = naive(hidden, norm, head, forest.targetTokens()[m], config, 0.7);
            sum += Outcome.weight(m) * n.smoothed(smoothing);
        }
        return sum;
    }

    @Test
    void aTrainedHeadHasTheSameHiddenGradientInSeveralChunks() {
        TokenForest forest = forest(WIDE, 40);
        onEngine(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(WIDE)) {
                        Tensor x = hidden(WIDE, forest.size());
                        Tensor g =
                                Tensor.zeros(
                                        Devices.usual(),
                                        DType.FLOAT32,
                                        WIDE.vocabSize(),
                                        WIDE.hiddenSize());
                        float[] w = weights(forest.targetCount());
                        HeadRequest request = HeadRequest.of();
                        float[] frozen;
                        float[] logProbs;
                        try (var head = new OutputHead(decoder, x, forest, request, USE)) {
                            frozen = head.backward(w).toFloats();
                            logProbs = head.measurement().tokenLogProbs();
                        }
                        decoder.output().weight().trainBase(g);
                        try (var head = new OutputHead(decoder, x, forest, request, USE)) {
                            float[] trained = head.backward(w).toFloats();
                            assertClose("hidden gradient", frozen, trained, 1e-6, 1e-5);
                            assertArrayEquals(logProbs, head.measurement().tokenLogProbs());
                        }
                    }
                });
    }

    @Test
    void leafGradientsAndGivenOnesAgree() {
        DecoderConfig config = TinyModels.llama();
        TokenForest forest = forest(config, 9);
        onEngine(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(config);
                            Policy policy = Policy.withAllWeights(decoder, Outcome.DEFAULT)) {
                        float[] w = weights(forest.targetCount());
                        try (Evaluation e = policy.evaluate(forest, HeadRequest.of())) {
                            e.backward(w);
                        }
                        float[] given = policy.parameters().gradients().toFloats();
                        policy.parameters().gradients().zeroInPlace();
                        try (Evaluation e = policy.evaluate(forest, HeadRequest.of());
                                var _ = org.attune.tensor.Autograd.enabled()) {
                            Tensor weights = Tensor.of(Devices.usual(), w, w.length);
                            e.tokenLogProbs().mul(weights).sum().backward();
                            e.backward();
                        }
                        assertArrayEquals(given, policy.parameters().gradients().toFloats());
                    }
                });
    }
}
