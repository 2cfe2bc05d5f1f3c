package org.attune.trainers.grpo;

/// Leaves completions out of the policy's term that the policy has moved away from, where they were
/// worse than their group ([DeepSeek-V3.2, 2025](https://arxiv.org/abs/2512.02556)): a token counts
/// if `A ≥ 0` or if
/// ```
/// 1/|y| Σ_t (log π_sampler,t − log π_t) ≤ δ
/// ```
///
/// @param threshold `δ`, nats per token
record OffPolicyMask(double threshold) {
    /// Sets the weights of what doesn't count to 0.
    ///
    /// @param sampling log-probability under what wrote the completion, NaN where nothing is known,
    ///     `(T)`
    /// @param weights of each token, `(T)`; changed
    void apply(CompletionLogProbs row, double[] sampling, double[] weights) {
        double sum = 0;
        for (int t = 0; t < weights.length; t++) {
            double difference = sampling[t] - row.policy()[t];
            sum += Double.isNaN(difference) ? 0 : row.mask()[t] * difference;
        }
        boolean near = sum / Math.max(1, row.counted()) <= threshold;
        for (int t = 0; t < weights.length; t++) {
            weights[t] = near || row.advantage(t) >= 0 ? weights[t] : 0;
        }
    }
}
