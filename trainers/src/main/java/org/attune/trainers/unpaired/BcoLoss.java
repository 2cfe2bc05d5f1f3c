package org.attune.trainers.unpaired;

import org.attune.trainers.numerics.Logistic;
import org.attune.trainers.numerics.Ranges;

/// Binary classifier optimisation: a classifier whose logit is the implicit reward tells desirable
/// completions from others, shifted by the mean reward δ.
/// [Jung et al. 2024](https://arxiv.org/abs/2404.04656), the binary cross-entropy of Theorem 1 with
/// the reward shift that tightens its bound:
/// ```
/// r = β (log π(y|x) − log π_ref(y|x))
/// L = −w₊ log σ(r − δ)       of a desirable completion
/// L = −w₋ log σ(−(r − δ))    of another one
/// ```
/// δ is a constant in the gradient. The weights are 1 in the paper; density ratios of prompts, the
/// paper's underlying distribution matching, are not estimated.
///
/// @param beta β, strength of the pull to the reference; finite, > 0
/// @param desirableWeight w₊; finite, ≥ 0
/// @param undesirableWeight w₋; finite, ≥ 0
record BcoLoss(double beta, double desirableWeight, double undesirableWeight) {
    /// @throws IllegalArgumentException if a value is NaN or outside its range
    public BcoLoss {
        Ranges.beta(beta);
        Ranges.notNegative("desirable_weight", desirableWeight);
        Ranges.notNegative("undesirable_weight", undesirableWeight);
    }

    /// A completion's loss.
    ///
    /// @param loss L ≥ 0
    /// @param slope ∂L/∂log π(y|x), which every token of the completion has
    public record Value(double loss, double slope) {}

    /// The implicit reward `r`.
    ///
    /// @param policy log π(y|x), the completion's log-probability in nats
    /// @param reference log π_ref(y|x)
    public double reward(double policy, double reference) {
        return beta * (policy - reference);
    }

    /// Loss and slope of one completion.
    ///
    /// @param reward r
    /// @param delta δ
    /// @param desirable the completion's label
    public Value of(double reward, double delta, boolean desirable) {
        double logit = reward - delta;
        return desirable
                ? new Value(
                        desirableWeight * Logistic.softplus(-logit),
                        -desirableWeight * beta * Logistic.sigmoid(-logit))
                : new Value(
                        undesirableWeight * Logistic.softplus(logit),
                        undesirableWeight * beta * Logistic.sigmoid(logit));
    }
}
