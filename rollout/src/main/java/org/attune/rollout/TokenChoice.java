package org.attune.rollout;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;

import java.util.Arrays;

/// Chooses the next token from logits, as transformers does: temperature, then the `top_k`
/// likeliest, then the likeliest whose probabilities first add up to `top_p`, then a draw.
public final class TokenChoice {
    private final SamplingOptions options;
    private final UniformRandomProvider random;

    public TokenChoice(SamplingOptions options) {
        this.options = options;
        this.random = RandomSource.XO_SHI_RO_256_PP.create(options.seed());
    }

    /// @param logits `(V)`
    public int choose(float[] logits) {
        if (options.temperature() == 0) {
            return likeliest(logits);
        }
        int[] ids = candidates(logits);
        double[] weights = new double[ids.length]; // of the likeliest: 1
        double sum = 0;
        for (int i = 0; i < ids.length; i++) {
            weights[i] = Math.exp((logits[ids[i]] - logits[ids[0]]) / options.temperature());
            sum += weights[i];
        }
        int kept = kept(weights, sum);
        double keptSum = Arrays.stream(weights, 0, kept).sum();
        double at = random.nextDouble() * keptSum;
        for (int i = 0; i < kept; i++) {
            at -= weights[i];
            if (at < 0) {
                return ids[i];
            }
        }
        return ids[kept - 1];
    }

    private static int likeliest(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }

    /// Ids by falling logit, equal ones by id; at most `top_k`.
    private int[] candidates(float[] logits) {
        // One primitive sort: the order of the logit in the upper half, the id in the lower.
        long[] keys = new long[logits.length];
        for (int id = 0; id < keys.length; id++) {
            int bits = Float.floatToIntBits(logits[id]);
            int ordered = bits >= 0 ? bits : bits ^ Integer.MAX_VALUE;
            keys[id] = (-1L - ordered) << 32 | id;
        }
        Arrays.sort(keys);
        int limit = options.topK() == 0 ? keys.length : Math.min(options.topK(), keys.length);
        return Arrays.stream(keys, 0, limit).mapToInt(key -> (int) key).toArray();
    }

    private int kept(double[] weights, double sum) {
        double share = 0;
        for (int i = 0; i < weights.length; i++) {
            share += weights[i] / sum;
            if (share >= options.topP()) {
                return i + 1;
            }
        }
        return weights.length;
    }
}
