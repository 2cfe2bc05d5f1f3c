package org.attune.tensor;

import static org.attune.tensor.KernelChecks.close;
import static org.attune.tensor.KernelChecks.numbers;
import static org.attune.tensor.KernelChecks.rows;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.tensor.vector.VocabularyKernel;
import org.attune.testing.Hardware;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Statistics of logits against the same formulas in double precision.
class VocabularyKernelTest {
    private static final int WIDTH = 96;

    private final UniformRandomProvider random = KernelChecks.random();

    @BeforeEach
    void needsTheVectorModule() {
        Hardware.requireVectors();
    }

    @ParameterizedTest
    @CsvSource({"1, 0", "0.7, 0", "0.7, 0.2", "1, 1"})
    void statisticsOfLogitsAndTheirGradient(double temperature, double smoothing) {
        int n = 5;
        int vocabulary = WIDTH;
        float[] z = numbers(random, n * vocabulary);
        z[7] = 3; // the first of two largest is the hit
        z[50] = 3;
        z[vocabulary + 20] = 40; // nearly certain
        z[2 * vocabulary + 95] = 5;
        int[] targets = {7, 20, 95, 0, 50};
        z[4 * vocabulary + 3] = 3;
        z[4 * vocabulary + 50] = 3;
        float[] scales = {-1, 0.5f, 2, 0, 1};
        int count = VocabularyKernel.STATISTICS;
        double[] expected = new double[n * count];
        double[] gradient = new double[z.length];
        for (int row = 0; row < n; row++) {
            describe(z, row, targets[row], temperature, smoothing, expected);
            for (int k = 0; k < vocabulary; k++) {
                double p = Math.exp(logProb(z, row, k, temperature));
                double label = smoothing / vocabulary + (k == targets[row] ? 1 - smoothing : 0);
                gradient[row * vocabulary + k] = scales[row] * (p - label);
            }
        }
        assertEquals(0, expected[4 * count + VocabularyKernel.HIT], "the later of two");
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        var kernel = new VocabularyKernel(vocabulary, temperature, smoothing);
                        Tensor in = rows(z, n);
                        close(
                                expected,
                                VectorKernels.vocabulary(kernel, in, targets, null),
                                "statistics alone");
                        close(
                                expected,
                                VectorKernels.vocabulary(kernel, in, targets, scales),
                                "statistics");
                        close(gradient, in.toFloats(), "gradient");
                    }
                });
    }

    private static double logProb(float[] z, int row, int token, double temperature) {
        double sum = 0;
        for (int k = 0; k < WIDTH; k++) {
            sum += Math.exp(z[row * WIDTH + k] / temperature);
        }
        return z[row * WIDTH + token] / temperature - Math.log(sum);
    }

    private static void describe(
            float[] z,
            int row,
            int target,
            double temperature,
            double smoothing,
            double[] statistics) {
        int best = 0;
        double mean = 0;
        double entropy = 0;
        double squares = 0;
        double meanLogP = 0;
        for (int k = 0; k < WIDTH; k++) {
            double logP = logProb(z, row, k, temperature);
            best = z[row * WIDTH + k] > z[row * WIDTH + best] ? k : best;
            mean += z[row * WIDTH + k] / temperature / WIDTH;
            entropy -= Math.exp(logP) * logP;
            squares += Math.exp(2 * logP);
            meanLogP += logP / WIDTH;
        }
        int at = row * VocabularyKernel.STATISTICS;
        double own = logProb(z, row, target, temperature);
        statistics[at + VocabularyKernel.LOG_PROB] = (1 - smoothing) * own + smoothing * meanLogP;
        statistics[at + VocabularyKernel.MEAN_LOGIT] = mean;
        statistics[at + VocabularyKernel.HIT] = best == target ? 1 : 0;
        statistics[at + VocabularyKernel.ENTROPY] = entropy;
        statistics[at + VocabularyKernel.LOG_SUM_SQUARES] = Math.log(squares);
    }

    @Test
    void gradientOfRoundedLogitsIsRoundedToTheNearest() {
        int vocabulary = 64;
        float[] z = numbers(random, vocabulary);
        int[] targets = {5};
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        var kernel = new VocabularyKernel(vocabulary, 1);
                        Tensor in = rows(z, 1).to(DType.BFLOAT16);
                        Tensor exact = in.to(DType.FLOAT32);
                        VectorKernels.vocabulary(kernel, in, targets, new float[] {3});
                        VectorKernels.vocabulary(kernel, exact, targets, new float[] {3});
                        assertArrayEquals(
                                exact.to(DType.BFLOAT16).toFloats(), in.toFloats(), "as ATen");
                    }
                });
    }
}
