package org.attune.trainers.ppo;

/// The weight of the divergence from the reference, from update to update.
sealed interface KlController {
    /// The weight β of the next update.
    double coefficient();

    /// The controller after an update.
    ///
    /// @param kl mean over the update's completions of their divergence, summed over tokens, in
    ///     nats
    /// @param completions how many there were
    KlController after(double kl, int completions);

    /// Replaces the weight that the controller has come to.
    KlController withCoefficient(double coefficient);

    /// Keeps one weight.
    ///
    /// @param coefficient β, ≥ 0
    record Fixed(double coefficient) implements KlController {
        @Override
        public KlController after(double kl, int completions) {
            return this;
        }

        @Override
        public KlController withCoefficient(double other) {
            return new Fixed(other);
        }
    }

    /// Proportional control in log space, [Ziegler et al. 2019,
    /// §2.2](https://arxiv.org/abs/1909.08593):
    /// ```
    /// e = clip(KL / target − 1, −0.2, 0.2)          β ← β (1 + e n / horizon)
    /// ```
    ///
    /// @param coefficient β, > 0
    /// @param target divergence of a completion to keep, in nats, > 0
    /// @param horizon completions after which a steady error of 0.2 has changed β by a fifth or
    ///     so, > 0
    record Adaptive(double coefficient, double target, double horizon) implements KlController {
        private static final double LARGEST_ERROR = 0.2;

        @Override
        public KlController after(double kl, int completions) {
            double error = Math.clamp(kl / target - 1, -LARGEST_ERROR, LARGEST_ERROR);
            double factor = 1 + error * completions / horizon;
            return new Adaptive(coefficient * factor, target, horizon);
        }

        @Override
        public KlController withCoefficient(double other) {
            return new Adaptive(other, target, horizon);
        }
    }
}
