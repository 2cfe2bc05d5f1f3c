package org.attune.trainers.preference;

import org.attune.trainers.numerics.Dual;

/// How a log-ratio `lr = log π(y|x) - log π_ref(y|x)` becomes the score that a loss compares
/// (f-DPO, arXiv 2309.16240, Table 1: the derivative of `f` at the ratio).
///
/// Scores carry the constants of TRL 1.16. They cancel in chosen minus rejected, except in the
/// losses that divide each side by its own length first.
sealed interface Divergence {
    Dual score(Dual logRatio);

    /// `lr`: plain DPO.
    record ReverseKl() implements Divergence {
        @Override
        public Dual score(Dual logRatio) {
            return logRatio;
        }
    }

    /// `1 - exp(-lr)`.
    record ForwardKl() implements Divergence {
        @Override
        public Dual score(Dual logRatio) {
            return logRatio.negate().expm1().negate();
        }
    }

    /// `ln 2 + logsigmoid(lr)`.
    record JensenShannon() implements Divergence {
        @Override
        public Dual score(Dual logRatio) {
            return logRatio.logSigmoid().plus(Math.log(2));
        }
    }

    /// `(exp((α - 1) lr) - 1) / (α - 1)`; reverse KL at α = 1.
    ///
    /// @param alpha α; finite
    record Alpha(double alpha) implements Divergence {
        /// Largest exponent: `exp` of more is no float32. Beyond it the score is flat, as in TRL.
        private static final double MAX_EXPONENT = 80;

        public Alpha {
            if (!Double.isFinite(alpha)) {
                throw new IllegalArgumentException(
                        "f_alpha_divergence_coef must be finite, got " + alpha);
            }
        }

        @Override
        public Dual score(Dual logRatio) {
            double exponent = alpha - 1;
            if (Math.abs(exponent) < 1e-6) {
                return logRatio; // the limit; the quotient would be 0 / 0
            }
            return logRatio.times(exponent).atMost(MAX_EXPONENT).expm1().over(exponent);
        }
    }
}
