package org.attune.reward;

/// Estimates of KL(policy ‖ reference) from one sampled token, as named by Schulman (2020,
/// "Approximating KL divergence"). With `d = log π − log π_ref`, in nats:
/// ```
/// k1 = d          k2 = d² / 2          k3 = exp(−d) − 1 + d
/// ```
/// `k1` and `k3` are unbiased, `k2` and `k3` never negative.
public enum KlEstimator {
    K1 {
        @Override
        public double of(double logRatio) {
            return logRatio;
        }

        @Override
        public double slope(double logRatio) {
            return 1;
        }
    },
    K2 {
        @Override
        public double of(double logRatio) {
            return logRatio * logRatio / 2;
        }

        @Override
        public double slope(double logRatio) {
            return logRatio;
        }
    },
    K3 {
        @Override
        public double of(double logRatio) {
            // expm1 keeps the digits of small differences
            return Math.expm1(-logRatio) + logRatio;
        }

        @Override
        public double slope(double logRatio) {
            return -Math.expm1(-logRatio);
        }
    };

    /// The estimate.
    ///
    /// @param logRatio log-probability under the policy less that under the reference
    public abstract double of(double logRatio);

    /// Derivative of [#of] by the policy's log-probability.
    public abstract double slope(double logRatio);
}
