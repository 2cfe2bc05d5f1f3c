package org.attune.trainers.grpo;

/// What a token's importance ratio and advantage make of its loss. `ρ` is the ratio of policy to
/// old policy, `A` the advantage.
public sealed interface PolicyLoss {
    /// Loss of one token with its derivative.
    ///
    /// @param loss value
    /// @param byLogRatio derivative by `log ρ`
    /// @param byLogProb further derivative by the token's log-probability alone, where the ratio
    ///     is
    ///     a constant
    /// @param low whether the ratio was clipped from below
    /// @param high whether the ratio was clipped from above
    record Term(double loss, double byLogRatio, double byLogProb, boolean low, boolean high) {
        /// Multiplies the term by a constant factor.
        Term times(double weight) {
            return weight == 1
                    ? this
                    : weight == 0
                            ? new Term(0, 0, 0, low, high)
                            : new Term(
                                    weight * loss,
                                    weight * byLogRatio,
                                    weight * byLogProb,
                                    low,
                                    high);
        }
    }

    /// @param logRatio `log ρ`
    /// @param logProb of the token under the policy
    /// @param advantage `A`
    Term term(double logRatio, double logProb, double advantage);

    /// `−min(min(ρ, δ) A, clip(ρ, 1 − ε, 1 + ε_high) A)`
    /// ([Schulman et al. 2017, Eq. 7](https://arxiv.org/abs/1707.06347); `ε_high`: [DAPO,
    /// 2025](https://arxiv.org/abs/2503.14476); `δ`: [INTELLECT-2,
    /// 2025](https://arxiv.org/abs/2505.07291)).
    ///
    /// @param epsilon `ε`, ≥ 0
    /// @param epsilonHigh `ε_high`, ≥ 0
    /// @param delta `δ`, upper bound of the unclipped term; infinite: none
    record Clipped(double epsilon, double epsilonHigh, double delta) implements PolicyLoss {
        @Override
        public Term term(double logRatio, double logProb, double advantage) {
            double ratio = Math.exp(logRatio);
            double bounded = Math.min(ratio, delta);
            double clipped = Math.clamp(ratio, 1 - epsilon, 1 + epsilonHigh);
            double free = bounded * advantage;
            double held = clipped * advantage;
            boolean moves = free <= held ? ratio <= delta : isInside(ratio);
            return new Term(
                    -Math.min(free, held),
                    moves ? -ratio * advantage : 0,
                    0,
                    bounded < 1 - epsilon && advantage < 0,
                    bounded > 1 + epsilonHigh && advantage > 0);
        }

        /// Whether the bounds, not the ratio, decide.
        boolean isHeld(double ratio, double advantage) {
            return Math.clamp(ratio, 1 - epsilon, 1 + epsilonHigh) * advantage < ratio * advantage;
        }

        private boolean isInside(double ratio) {
            return ratio >= 1 - epsilon && ratio <= 1 + epsilonHigh;
        }
    }

    /// `−sg(clip(ρ, ε_low, ε_high)) A log π` with the bounded ratio as a constant
    /// ([CISPO, MiniMax-M1, 2025](https://arxiv.org/abs/2506.13585)).
    ///
    /// @param floor `ε_low`, a lower bound of the ratio itself; 0: none
    /// @param cap `ε_high`, an upper bound of the ratio itself
    record Cispo(double floor, double cap) implements PolicyLoss {
        @Override
        public Term term(double logRatio, double logProb, double advantage) {
            double ratio = Math.exp(logRatio);
            double weight = Math.clamp(ratio, floor, cap) * advantage;
            return new Term(
                    -weight * logProb,
                    0,
                    -weight,
                    ratio < floor && advantage < 0,
                    ratio > cap && advantage > 0);
        }
    }

    /// `−sg(min(ρ, c)) A log π`, and nothing for tokens that have diverged too far to where their
    /// advantage drives them ([DPPO, Qi et al. 2026](https://arxiv.org/abs/2602.04879)).
    ///
    /// @param divergence of a token's probability from that under the old policy
    /// @param low most of it where the probability fell and the advantage isn't positive
    /// @param high most of it where the probability rose and the advantage is positive
    /// @param cap `c`, largest ratio
    record Dppo(PolicyDivergence divergence, double low, double high, double cap)
            implements PolicyLoss {
        @Override
        public Term term(double logRatio, double logProb, double advantage) {
            double moved = divergence.of(logProb, logProb - logRatio);
            boolean rose = advantage > 0 && logRatio > 0 && moved > high;
            boolean fell = advantage <= 0 && logRatio < 0 && moved > low;
            if (rose || fell) {
                return new Term(0, 0, 0, fell, rose);
            }
            double weight = Math.min(Math.exp(logRatio), cap) * advantage;
            return new Term(-weight * logProb, 0, -weight, false, false);
        }
    }

    /// `−A log π + (β / 2) (log ρ)²`: a gradient without a ratio, held to the policy that sampled
    /// ([direct reward optimisation, Richemond et al. 2024](https://arxiv.org/abs/2405.19107)).
    ///
    /// @param beta `β`, ≥ 0
    record Dro(double beta) implements PolicyLoss {
        @Override
        public Term term(double logRatio, double logProb, double advantage) {
            double loss = -advantage * logProb + 0.5 * beta * logRatio * logRatio;
            return new Term(loss, beta * logRatio, -advantage, false, false);
        }
    }

    /// `−(4 / τ) σ(τ (ρ − 1)) A`, a soft gate in place of the clip
    /// (soft adaptive policy optimisation, TRL's `sapo`).
    ///
    /// The slope is `−4 σ(z) σ(−z) ρ A` with `z = τ (ρ − 1)`. Computed as `exp(log ρ − |z|)` times
    /// the rest, it keeps all digits where it vanishes, at any ratio. In TRL's float32 `1 − σ(z)`
    /// has none left from `ρ ≈ 16` on: of a true slope of 4.5e-7 it keeps 0.
    ///
    /// @param positive `τ` where the advantage is positive, > 0
    /// @param negative `τ` elsewhere, > 0
    record Sapo(double positive, double negative) implements PolicyLoss {
        @Override
        public Term term(double logRatio, double logProb, double advantage) {
            double ratio = Math.exp(logRatio);
            double tau = advantage > 0 ? positive : negative;
            double z = tau * (ratio - 1);
            double e = Math.exp(-Math.abs(z)); // of a number ≤ 0: it can't overflow
            double gate = (z >= 0 ? 1 : e) / (1 + e);
            double slope = Math.exp(logRatio - Math.abs(z)) / ((1 + e) * (1 + e));
            return new Term(-4 / tau * gate * advantage, -4 * slope * advantage, 0, false, false);
        }
    }

    /// `−sg(φ(w)) A log π` with `φ(w) = exp(λ + k log w − λ w)` and `w` the product of the
    /// completion's ratios, all constants (TRL's `vespo`).
    ///
    /// @param kPositive `k` where the advantage is ≥ 0
    /// @param lambdaPositive `λ` there
    /// @param kNegative `k` elsewhere
    /// @param lambdaNegative `λ` elsewhere
    record Vespo(double kPositive, double lambdaPositive, double kNegative, double lambdaNegative)
            implements PolicyLoss {
        private static final double LARGEST = 20; // of |log ρ| of a token and of log w
        private static final double LEAST = Math.log(1e-8); // of log w
        private static final double LEAST_LAMBDA = 1e-4f; // TRL's is a float32

        /// `log w` of a completion: the bounded sum of its bounded log-ratios, and of the bounded
        /// logarithms of the sampler's ratios where there are any.
        ///
        /// @param logRatios to the old policy, `(T)`
        static double logProduct(CompletionLogProbs row, double[] logRatios) {
            double sum = 0;
            for (int t = 0; t < logRatios.length; t++) {
                sum += row.mask()[t] * Math.clamp(logRatios[t], -LARGEST, LARGEST);
            }
            for (double ratio : row.samplerRatio().orElse(new double[0])) {
                sum += Math.clamp(Math.log(ratio), LEAST, LARGEST);
            }
            return Math.clamp(sum, LEAST, LARGEST);
        }

        /// @param logRatio `log w`
        @Override
        public Term term(double logRatio, double logProb, double advantage) {
            double weight = phi(logRatio, advantage) * advantage;
            return new Term(-weight * logProb, 0, -weight, false, false);
        }

        /// `φ(w)`.
        double phi(double logProduct, double advantage) {
            double k = advantage >= 0 ? kPositive : kNegative;
            double lambda =
                    Math.max(LEAST_LAMBDA, advantage >= 0 ? lambdaPositive : lambdaNegative);
            double phi = Math.exp(lambda + k * logProduct - lambda * Math.exp(logProduct));
            return Double.isFinite(phi) ? phi : 0;
        }
    }

    /// `−ρ A`, and for the tokens whose log-probability varies most with their advantage
    /// `−ρ A + β |log ρ|` ([Cui et al. 2025, KL-Cov](https://arxiv.org/abs/2505.22617)).
    /// The ratio isn't clipped.
    ///
    /// @param coefficient `β`, ≥ 0
    record KlCov(double coefficient) implements PolicyLoss {
        @Override
        public Term term(double logRatio, double logProb, double advantage) {
            double gain = Math.exp(logRatio) * advantage;
            return new Term(-gain, -gain, 0, false, false);
        }

        /// A penalised token's.
        Term penalised(double logRatio, double advantage) {
            double gain = Math.exp(logRatio) * advantage;
            return new Term(
                    -gain + coefficient * Math.abs(logRatio),
                    -gain + coefficient * Math.signum(logRatio),
                    0,
                    false,
                    false);
        }
    }
}
