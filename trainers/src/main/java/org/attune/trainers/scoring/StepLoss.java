package org.attune.trainers.scoring;

import org.attune.trainers.numerics.Logistic;

/// Loss of a process reward model on one step: cross-entropy of "wrong" and "right", outcome and
/// process supervision of
/// [Uesato et al. 2022](https://arxiv.org/abs/2211.14275) and
/// [Lightman et al. 2023](https://arxiv.org/abs/2305.20050) as token classification:
/// ```
/// L = −log p_y,     p = softmax(z₀, z₁)
/// ```
/// where `y` is 1 for a right step. Everything follows from the difference `d = z₁ − z₀`.
///
/// @param loss L ≥ 0
/// @param wrong ∂L/∂z₀
/// @param right ∂L/∂z₁
record StepLoss(double loss, double wrong, double right) {
    /// @param wrong z₀, the score of label 0
    /// @param right z₁, the score of label 1
    /// @param label y, whether the step is right
    public static StepLoss of(double wrong, double right, boolean label) {
        double d = right - wrong;
        double slope = probability(wrong, right) - (label ? 1 : 0);
        return new StepLoss(Logistic.softplus(label ? -d : d), -slope, slope);
    }

    /// `p₁ = σ(z₁ − z₀)`, in [0, 1].
    public static double probability(double wrong, double right) {
        return Logistic.sigmoid(right - wrong);
    }
}
