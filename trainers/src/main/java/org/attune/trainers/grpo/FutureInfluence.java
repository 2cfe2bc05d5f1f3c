package org.attune.trainers.grpo;

import java.util.OptionalDouble;

/// Weighs each token by how the policy has moved on it and on what follows
/// ([FIPO, Qwen Pilot 2026](https://arxiv.org/abs/2603.19835)): completions that became likelier as
/// a whole behind a token make it count more.
/// ```
/// F_t = Σ_{s ≥ t} γ^(s − t) log ρ_s,    weight = clip(exp F_t, low, high)
/// ```
/// Tokens whose ratio is above `δ`, or that don't count, are left out of the sum. The weight is a
/// constant.
///
/// @param gamma `γ`, in (0, 1)
/// @param low least weight
/// @param high largest weight
/// @param delta `δ`; infinite: none
/// @param safety ratio above which tokens of a negative advantage weigh between 0.8 and 1
record FutureInfluence(double gamma, double low, double high, double delta, OptionalDouble safety) {
    private static final double LEAST_UNSAFE = 0.8;
    private static final double MOST_UNSAFE = 1;

    static FutureInfluence of(DivergenceConfig config, OptionalDouble delta) {
        double range = config.fipoClipRange();
        double low = config.fipoClipHighOnly() ? 1 : 1 - range;
        return new FutureInfluence(
                Math.pow(2, -1 / config.fipoDecayRate()),
                range == 0 ? 0 : low,
                range == 0 ? Double.POSITIVE_INFINITY : 1 + range,
                delta.orElse(Double.POSITIVE_INFINITY),
                config.fipoSafetyThreshold());
    }

    /// The weight of each token, `(T)`.
    double[] weights(CompletionLogProbs row) {
        double[] logRatios = row.logRatios();
        double[] weights = new double[logRatios.length];
        double future = 0;
        for (int t = weights.length - 1; t >= 0; t--) {
            double ratio = Math.exp(logRatios[t]);
            future = gamma * future + (ratio <= delta ? row.mask()[t] * logRatios[t] : 0);
            double weight = Math.clamp(Math.exp(future), low, high);
            boolean unsafe =
                    safety.isPresent() && ratio > safety.getAsDouble() && row.advantage(t) < 0;
            weights[t] = unsafe ? Math.clamp(weight, LEAST_UNSAFE, MOST_UNSAFE) : weight;
        }
        return weights;
    }
}
