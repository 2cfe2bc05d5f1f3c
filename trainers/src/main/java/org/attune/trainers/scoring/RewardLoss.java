package org.attune.trainers.scoring;

import org.attune.trainers.numerics.Logistic;

/// Loss of a reward model on pairs, the model of Bradley and Terry (Biometrika 39, 1952) as in
/// [Ouyang et al. 2022, Eq. 1](https://arxiv.org/abs/2203.02155), with a margin as in
/// [Touvron et al. 2023, Eq. 2](https://arxiv.org/abs/2307.09288) and scores centred as in
/// [Eisenstein et al. 2023](https://arxiv.org/abs/2312.09244):
/// ```
/// L = −log σ(r⁺ − r⁻ − m) + c (r⁺ + r⁻)²
/// ```
///
/// @param centerCoefficient c ≥ 0, TRL's `center_rewards_coefficient`; 0: scores float freely
record RewardLoss(double centerCoefficient) {
    /// @throws IllegalArgumentException if the coefficient is negative or not finite
    public RewardLoss {
        if (!(centerCoefficient >= 0 && centerCoefficient < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "centerCoefficient must be finite and >= 0, got " + centerCoefficient);
        }
    }

    /// Loss of one pair and its derivatives.
    ///
    /// @param chosen by r⁺
    /// @param rejected by r⁻
    public record Value(double loss, double chosen, double rejected) {}

    /// @param chosen r⁺
    /// @param rejected r⁻
    /// @param margin m, what the difference is measured from
    public Value of(double chosen, double rejected, double margin) {
        double difference = chosen - rejected - margin;
        double sum = chosen + rejected;
        double slope = -Logistic.sigmoid(-difference);
        double centering = 2 * centerCoefficient * sum;
        return new Value(
                Logistic.softplus(-difference) + centerCoefficient * sum * sum,
                slope + centering,
                -slope + centering);
    }
}
