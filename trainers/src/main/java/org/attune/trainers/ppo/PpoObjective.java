package org.attune.trainers.ppo;

import org.attune.reward.KlEstimator;

import java.util.Optional;

/// A token's policy loss. With `d = log π − log π_old`, `ρ = exp(d)` and advantage `A`:
/// ```
/// L = max(−A ρ, −A clip(ρ, 1 − ε, 1 + ε))              [Schulman et al. 2017, Eq. 7]
/// L = min(L, −A c)  where A < 0                        [Ye et al. 2020, Eq. 2: dual clip]
/// ```
/// plus `β KL(π ‖ π_ref)` where the divergence is in the loss, less `h` times the entropy.
/// Papers: [PPO](https://arxiv.org/abs/1707.06347), [dual
/// clip](https://arxiv.org/abs/1912.09729).
///
/// @param clipRange ε, > 0
/// @param dualClip c, > 1, the largest ratio that a bad token is punished by; infinite: no such
///     bound
/// @param klCoef β, ≥ 0
/// @param klEstimator K2 or K3 where β > 0
/// @param entropyCoef h, ≥ 0
record PpoObjective(
        double clipRange,
        double dualClip,
        double klCoef,
        KlEstimator klEstimator,
        double entropyCoef) {
    public PpoObjective {
        require(clipRange > 0, "cliprange must be > 0", clipRange);
        require(dualClip > 1, "dual_clip must be > 1", dualClip);
        require(klCoef >= 0, "kl_coef must be >= 0", klCoef);
        require(entropyCoef >= 0, "entropy_coef must be >= 0", entropyCoef);
    }

    private static void require(boolean holds, String what, double value) {
        if (!holds) {
            throw new IllegalArgumentException(what + ", got " + value);
        }
    }

    /// What the policies say of one completion. A named tuple.
    ///
    /// @param policy log-probability under the policy as it is now, `(T)`
    /// @param old under the policy that generated it, `(T)`
    /// @param reference under the reference, `(T)`; needed where β > 0
    /// @param entropy of the policy's distribution, in nats, `(T)`
    /// @param mask 1 where a token counts, else 0, `(T)`
    /// @param advantages `(T)`
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Scores(
            double[] policy,
            double[] old,
            Optional<double[]> reference,
            double[] entropy,
            double[] mask,
            double[] advantages) {}

    /// Sums over the tokens of a completion that count.
    ///
    /// @param loss of L and the divergence, without the entropy
    /// @param slopes derivative of `loss` by each token's log-probability, `(T)`
    /// @param tokens how many count
    /// @param entropy in nats
    /// @param kl estimates of the divergence from the reference; 0 where β is 0
    /// @param squares of d, halved: `k2` of the divergence from the old policy
    /// @param drift of −d: `k1` of the divergence of the old policy from this one
    /// @param ratio of ρ
    /// @param clipped tokens whose clipped term is the larger one
    /// @param dualClipped tokens that the second bound holds
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Result(
            double loss,
            double[] slopes,
            double tokens,
            double entropy,
            double kl,
            double squares,
            double drift,
            double ratio,
            double clipped,
            double dualClipped) {}

    /// Evaluates one completion.
    public Result evaluate(Scores row) {
        double[] slopes = new double[row.policy().length];
        double loss = 0;
        double tokens = 0;
        double entropy = 0;
        double kl = 0;
        double squares = 0;
        double drift = 0;
        double ratios = 0;
        double clipped = 0;
        double dualClipped = 0;
        for (int t = 0; t < slopes.length; t++) {
            if (row.mask()[t] == 0) {
                continue;
            }
            double d = row.policy()[t] - row.old()[t];
            Term term = term(d, row.advantages()[t]);
            loss += term.loss();
            slopes[t] = term.slope();
            if (klCoef > 0) {
                double toReference = row.policy()[t] - row.reference().orElseThrow()[t];
                kl += klEstimator.of(toReference);
                loss += klCoef * klEstimator.of(toReference);
                slopes[t] += klCoef * klEstimator.slope(toReference);
            }
            tokens++;
            entropy += row.entropy()[t];
            squares += d * d / 2;
            drift -= d;
            ratios += Math.exp(d);
            clipped += term.clipped() ? 1 : 0;
            dualClipped += term.dualClipped() ? 1 : 0;
        }
        return new Result(
                loss, slopes, tokens, entropy, kl, squares, drift, ratios, clipped, dualClipped);
    }

    /// A token's clipped loss.
    ///
    /// @param slope derivative by its log-probability
    private record Term(double loss, double slope, boolean clipped, boolean dualClipped) {}

    private Term term(double logRatio, double advantage) {
        double ratio = Math.exp(logRatio);
        double plain = -advantage * ratio;
        double bounded = -advantage * Math.clamp(ratio, 1 - clipRange, 1 + clipRange);
        boolean clipped = bounded > plain;
        double loss = clipped ? bounded : plain;
        boolean dual = advantage < 0 && loss > -advantage * dualClip;
        if (dual) {
            return new Term(-advantage * dualClip, 0, clipped, true);
        }
        return new Term(loss, clipped ? 0 : plain, clipped, false);
    }
}
