package org.attune.adapter;

import org.apache.commons.rng.UniformRandomProvider;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// One number of several updates `v₁ … vₙ`, element by element, with weights `w₁ … wₙ`, as PEFT
/// combines adapters. Task arithmetic: [Ilharco et al. 2022](https://arxiv.org/abs/2212.04089);
/// TIES: [Yadav et al. 2023, §3](https://arxiv.org/abs/2306.01708); DARE:
/// [Yu et al. 2023, §3.2](https://arxiv.org/abs/2311.03099).
///
/// @param density share of the numbers of each update that is kept, in (0, 1]
/// @param byCount whether the majority of signs counts updates, else it adds their values
/// @param random says which numbers DARE drops
record TaskVectors(double density, boolean byCount, UniformRandomProvider random) {
    /// How updates become one.
    ///
    /// @param vectors of one length
    float[] combine(AdapterCombination.Kind kind, List<float[]> vectors, double[] weights) {
        return switch (kind) {
            case LINEAR, SVD, CAT -> sum(vectors, weights);
            case MAGNITUDE_PRUNE, MAGNITUDE_PRUNE_SVD -> sum(largest(vectors), weights);
            case DARE_LINEAR, DARE_LINEAR_SVD -> sum(drawn(vectors), weights);
            case TIES, TIES_SVD -> agreeing(largest(vectors), weights);
            case DARE_TIES, DARE_TIES_SVD -> agreeing(drawn(vectors), weights);
        };
    }

    private static float[] sum(List<float[]> vectors, double[] weights) {
        double[] sum = new double[vectors.getFirst().length];
        for (int v = 0; v < weights.length; v++) {
            float[] vector = vectors.get(v);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += weights[v] * vector[i];
            }
        }
        return floats(sum);
    }

    private List<float[]> largest(List<float[]> vectors) {
        return vectors.stream().map(this::largest).toList();
    }

    /// The numbers of largest magnitude; others become zero.
    private float[] largest(float[] vector) {
        int kept = (int) (density * vector.length);
        if (kept == vector.length) {
            return vector;
        }
        float[] magnitudes = new float[vector.length];
        for (int i = 0; i < vector.length; i++) {
            magnitudes[i] = Math.abs(vector[i]);
        }
        float[] sorted = magnitudes.clone();
        Arrays.sort(sorted);
        float bound = kept == 0 ? Float.POSITIVE_INFINITY : sorted[vector.length - kept];
        int equal = kept; // how many of those at the bound are kept
        for (float magnitude : magnitudes) {
            equal -= magnitude > bound ? 1 : 0;
        }
        float[] result = new float[vector.length];
        for (int i = 0; i < vector.length; i++) {
            boolean keeps = magnitudes[i] > bound || magnitudes[i] == bound && equal-- > 0;
            result[i] = keeps ? vector[i] : 0;
        }
        return result;
    }

    /// Numbers kept by chance, and made larger so that their expectation stays.
    private List<float[]> drawn(List<float[]> vectors) {
        if (density >= 1) {
            return vectors;
        }
        return vectors.stream().map(this::drawn).toList();
    }

    private float[] drawn(float[] vector) {
        float[] result = new float[vector.length];
        for (int i = 0; i < vector.length; i++) {
            result[i] = random.nextDouble() < density ? (float) (vector[i] / density) : 0;
        }
        return result;
    }

    /// Means over the updates whose sign is that of the majority. Weights come after the choice.
    private float[] agreeing(List<float[]> vectors, double[] weights) {
        double[] means = new double[vectors.getFirst().length];
        for (int i = 0; i < means.length; i++) {
            int at = i;
            double majority =
                    vectors.stream().mapToDouble(v -> byCount ? Math.signum(v[at]) : v[at]).sum();
            float sign = majority >= 0 ? 1 : -1;
            int[] own =
                    IntStream.range(0, weights.length)
                            .filter(v -> Math.signum(vectors.get(v)[at]) == sign)
                            .toArray();
            double sum = 0;
            for (int v : own) {
                sum += weights[v] * vectors.get(v)[i];
            }
            means[i] = sum / Math.max(1, own.length);
        }
        return floats(means);
    }

    private static float[] floats(double[] values) {
        float[] result = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = (float) values[i];
        }
        return result;
    }
}
