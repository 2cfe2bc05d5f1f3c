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
import org.junit.jupiter.params.provider.ValueSource;

/// Statistics of logits against the same formulas in double precision.
class VocabularyKernelTest {
    private final UniformRandomProvider random = KernelChecks.random();

    @BeforeEach
    void needsTheVectorModule() {
        Hardware.requireVectors();
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, 0.7})
    void statisticsOfLogitsAndTheirGradient(double temperature) {
        int n = 5;
        int vocabulary = 96;
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
            double[] p = new double[vocabulary];
            double sum = 0;
            double mean = 0;
            int best = 0;
            for (int k = 0; k < vocabulary; k++) {
                int at = row * vocabulary + k;
                p[k] = Math.exp(z[at] / temperature);
                sum += p[k];
                mean += z[at] / temperature / vocabulary;
                best = z[at] > z[row * vocabulary + best] ? k : best;
            }
            double entropy = 0;
            double squares = 0;
            for (int k = 0; k < vocabulary; k++) {
                p[k] /= sum;
                entropy -= p[k] * Math.log(p[k]);
                squares += p[k] * p[k];
                double one = k == targets[row] ? 1 : 0;
                gradient[row * vocabulary + k] = scales[row] * (p[k] - one);
            }
            expected[row * count + VocabularyKernel.LOG_PROB] = Math.log(p[targets[row]]);
            expected[row * count + VocabularyKernel.MEAN_LOGIT] = mean;
            expected[row * count + VocabularyKernel.HIT] = best == targets[row] ? 1 : 0;
            expected[row * count + VocabularyKernel.ENTROPY] = entropy;
            expected[row * count + VocabularyKernel.LOG_SUM_SQUARES] = Math.log(squares);
        }
        assertEquals(0, expected[4 * count + VocabularyKernel.HIT], "the later of two");
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        var kernel = new VocabularyKernel(vocabulary, temperature);
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
