package org.attune.trainers.referencefree;

import org.attune.trainers.numerics.Dual;
import org.attune.trainers.numerics.Ranges;

/// Loss of a preference pair under the policy alone. In the formulas `β` is the factor of the
/// rewards `β ℓ`, `σ` the logistic function, and `Δ = ℓ_w - ℓ_l`.
///
/// The formulas are those of TRL 1.16; `docs/papers.md` says where these differ from the papers.
sealed interface PairLoss {
    /// β > 0.
    double beta();

    /// Whether `ℓ` is the mean over a completion's tokens; else it is their sum.
    boolean averages();

    /// The pair's loss with its derivatives.
    ///
    /// @param chosen `ℓ_w`
    /// @param rejected `ℓ_l`
    Dual loss(Dual chosen, Dual rejected);

    /// The implicit reward of a completion, for metrics.
    default double reward(double logProb) {
        return beta() * logProb;
    }

    /// `-(1-ε) log σ(β Δ) - ε log σ(-β Δ)` on sums (CPO, arXiv 2401.08417, Eq. 3; TPO, arXiv
    /// 2405.16681).
    ///
    /// @param labelSmoothing ε, share of pairs whose label is taken to be flipped; [0, 0.5)
    record Sigmoid(double beta, double labelSmoothing) implements PairLoss {
        public Sigmoid {
            Ranges.beta(beta);
            Ranges.labelSmoothing(labelSmoothing, 0);
        }

        @Override
        public boolean averages() {
            return false;
        }

        @Override
        public Dual loss(Dual chosen, Dual rejected) {
            return chosen.minus(rejected).times(beta).logisticLoss(labelSmoothing);
        }
    }

    /// `max(0, 1 - β Δ)` on sums (SLiC, arXiv 2305.10425).
    record Hinge(double beta) implements PairLoss {
        public Hinge {
            Ranges.beta(beta);
        }

        @Override
        public boolean averages() {
            return false;
        }

        @Override
        public Dual loss(Dual chosen, Dual rejected) {
            return chosen.minus(rejected).times(beta).negate().plus(1).relu();
        }
    }

    /// `(Δ - 1/(2β))²` on means (IPO, arXiv 2310.12036, Eq. 17, without its reference).
    record Ipo(double beta) implements PairLoss {
        public Ipo {
            Ranges.beta(beta);
        }

        @Override
        public boolean averages() {
            return true;
        }

        @Override
        public Dual loss(Dual chosen, Dual rejected) {
            return chosen.minus(rejected).minus(1 / (2 * beta)).square();
        }
    }

    /// `-(1-ε) log σ(β Δ - γ) - ε log σ(γ - β Δ)` on means: rewards that a margin must part (SimPO,
    /// arXiv 2405.14734, Eq. 6; TPO-L, arXiv 2405.16681).
    ///
    /// @param gamma γ ≥ 0
    /// @param labelSmoothing ε, share of pairs whose label is taken to be flipped; [0, 0.5)
    record Margin(double beta, double gamma, double labelSmoothing) implements PairLoss {
        public Margin {
            Ranges.beta(beta);
            Ranges.notNegative("gamma", gamma);
            Ranges.labelSmoothing(labelSmoothing, 0);
        }

        @Override
        public boolean averages() {
            return true;
        }

        @Override
        public Dual loss(Dual chosen, Dual rejected) {
            return chosen.minus(rejected)
                    .minus(gamma / beta)
                    .times(beta)
                    .logisticLoss(labelSmoothing);
        }
    }

    /// `-β log σ(o)` on means, with the log odds ratio
    /// ```
    /// o = log( p_w / (1 - p_w) ) - log( p_l / (1 - p_l) ),   p = exp(ℓ)
    /// ```
    /// (ORPO, arXiv 2403.07691, Eq. 7; β is its λ). A model that is certain of a completion, `p =
    /// 1`, has infinite odds; `ℓ` counts as at most -1e-12, where TRL's loss is not a number.
    record OddsRatio(double beta) implements PairLoss {
        private static final double CERTAIN = -1e-12;

        public OddsRatio {
            Ranges.beta(beta);
        }

        @Override
        public boolean averages() {
            return true;
        }

        @Override
        public Dual loss(Dual chosen, Dual rejected) {
            return logOdds(chosen, rejected).logSigmoid().times(-beta);
        }

        /// `o`.
        Dual logOdds(Dual chosen, Dual rejected) {
            Dual better = chosen.atMost(CERTAIN);
            Dual worse = rejected.atMost(CERTAIN);
            return better.minus(worse).minus(better.log1mExp().minus(worse.log1mExp()));
        }
    }

    /// Any of the losses above with the shaped reward
    /// ```
    /// r(ℓ) = (1 - exp(-α ℓ)) / α
    /// ```
    /// in the place of `ℓ` (AlphaPO, arXiv 2501.03884). At α = 0 it is `ℓ`.
    ///
    /// @param alpha α ≠ 0, finite
    record Shaped(PairLoss loss, double alpha) implements PairLoss {
        /// Largest exponent, whose `exp` is nearly the largest double. Beyond it the reward is
        /// flat; TRL's is infinite there, and its loss not a number.
        private static final double MAX_EXPONENT = 700;

        public Shaped {
            if (alpha == 0 || !Double.isFinite(alpha)) {
                throw new IllegalArgumentException("alpha must be finite and not 0, got " + alpha);
            }
        }

        @Override
        public double beta() {
            return loss.beta();
        }

        @Override
        public boolean averages() {
            return loss.averages();
        }

        @Override
        public Dual loss(Dual chosen, Dual rejected) {
            return loss.loss(shape(chosen), shape(rejected));
        }

        @Override
        public double reward(double logProb) {
            return loss.reward(shape(Dual.chosen(logProb)).value());
        }

        private Dual shape(Dual logProb) {
            return logProb.times(-alpha).atMost(MAX_EXPONENT).expm1().over(-alpha);
        }
    }
}
