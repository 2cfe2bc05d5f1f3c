package org.attune.trainers.unpaired;

import org.attune.trainers.numerics.Logistic;
import org.attune.trainers.numerics.Ranges;

/// Kahneman-Tversky optimisation: a completion is worth what its log-ratio gains over a reference
/// point, in the shape of prospect theory's value function.
/// [Ethayarajh et al. 2024](https://arxiv.org/abs/2402.01306), Eq. 7:
/// ```
/// d = log π(y|x) − log π_ref(y|x)
/// L = w₊ (1 − σ(β (d − z₀)))     of a desirable completion
/// L = w₋ (1 − σ(β (z₀ − d)))     of another one
/// ```
/// `z₀` is an estimate of the divergence of the policy from the reference: the mean of `d` over
/// mismatched completions, at least 0. It is a constant in the gradient. The paper's λ_D and λ_U
/// are `w₊` and `w₋`; its constant `λ_y` is left out, so that every loss is ≥ 0, as in TRL.
///
/// With `z₀ = 0` it is APO-zero of [D'Oosterlinck et al. 2024](https://arxiv.org/abs/2408.06266),
/// Eq. 7, on single completions.
///
/// @param beta β, strength of the pull to the reference; finite, > 0
/// @param desirableWeight w₊; finite, ≥ 0
/// @param undesirableWeight w₋; finite, ≥ 0
record KtoLoss(double beta, double desirableWeight, double undesirableWeight) {
    /// @throws IllegalArgumentException if a value is NaN or outside its range
    public KtoLoss {
        Ranges.beta(beta);
        Ranges.notNegative("desirable_weight", desirableWeight);
        Ranges.notNegative("undesirable_weight", undesirableWeight);
    }

    /// A completion's loss.
    ///
    /// @param loss L ≥ 0
    /// @param slope ∂L/∂log π(y|x), which every token of the completion has
    public record Value(double loss, double slope) {}

    /// `z₀` of a micro-batch.
    ///
    /// @param logRatioSum `d` of all mismatched completions, added up, in nats
    /// @param count how many these are, ≥ 1
    public static double referencePoint(double logRatioSum, int count) {
        return Math.max(0, logRatioSum / count);
    }

    /// The implicit reward `β d`.
    ///
    /// @param policy log π(y|x), the completion's log-probability in nats
    /// @param reference log π_ref(y|x)
    public double reward(double policy, double reference) {
        return beta * (policy - reference);
    }

    /// Loss and slope of one completion.
    ///
    /// @param logRatio d
    /// @param referencePoint z₀, ≥ 0
    /// @param desirable the completion's label
    public Value of(double logRatio, double referencePoint, boolean desirable) {
        double gain = beta * (logRatio - referencePoint);
        double sign = desirable ? 1 : -1;
        double weight = desirable ? desirableWeight : undesirableWeight;
        double loss = Logistic.sigmoid(-sign * gain); // 1 − σ(x) = σ(−x), exact for large x
        double bend = loss * Logistic.sigmoid(sign * gain); // σ'
        return new Value(weight * loss, -sign * weight * beta * bend);
    }
}
