package org.attune.trainers.grpo;

/// How far a token's probability has moved from that under the old policy; `divergence_type`, by
/// the names of TRL's experimental `DPPOConfig`. `π` and `μ` are the probabilities of the token.
public enum PolicyDivergence {
    /// `|π − μ|`.
    BINARY_TV,
    /// `μ log(μ / π) + (1 − μ) log((1 − μ) / (1 − π))`.
    BINARY_KL;

    /// Most of a probability that is told from 1, as in TRL.
    private static final double MOST = 1 - 1e-7;

    /// @param logProb `log π`
    /// @param old `log μ`
    double of(double logProb, double old) {
        double p = Math.exp(logProb);
        double m = Math.exp(old);
        return switch (this) {
            case BINARY_TV -> Math.abs(p - m);
            case BINARY_KL ->
                    m * (old - logProb)
                            + (1 - m)
                                    * (Math.log1p(-Math.min(m, MOST))
                                            - Math.log1p(-Math.min(p, MOST)));
        };
    }
}
