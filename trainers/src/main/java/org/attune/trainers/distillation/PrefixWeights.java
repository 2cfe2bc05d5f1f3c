package org.attune.trainers.distillation;

/// Weights of a completion's tokens by how far student and teacher were apart before them: what the
/// teacher says behind a beginning that it wouldn't have written counts less.
/// ```
/// w_t = 1 + γ (1 − Σ_{s<t} |log p_s − log q_s| / Σ_s |log p_s − log q_s|)
/// ```
/// [On the Position Bias of On-Policy Distillation (IW-OPD)](https://arxiv.org/abs/2606.22600).
///
/// @param gamma γ, by how much the first token counts more than one at the end; ≥ 0
/// @param epsilon least sum of differences; > 0
record PrefixWeights(double gamma, double epsilon) {
    /// @param apart `|log p − log q|` of each token that counts, in their order
    double[] of(double[] apart) {
        double all = 0;
        for (double one : apart) {
            all += one;
        }
        double before = 0;
        double[] weights = new double[apart.length];
        for (int t = 0; t < apart.length; t++) {
            weights[t] = 1 + gamma * (1 - before / Math.max(all, epsilon));
            before += apart[t];
        }
        return weights;
    }
}
