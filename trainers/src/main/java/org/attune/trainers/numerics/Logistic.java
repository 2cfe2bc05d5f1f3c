package org.attune.trainers.numerics;

/// The logistic function and its integral, at any size of their argument.
public final class Logistic {
    private Logistic() {}

    /// `σ(x) = 1 / (1 + e⁻ˣ)`, in [0, 1].
    public static double sigmoid(double x) {
        double e = Math.exp(-Math.abs(x)); // of a number ≤ 0: it can't overflow
        return x >= 0 ? 1 / (1 + e) : e / (1 + e);
    }

    /// `log(1 + eˣ)`.
    public static double softplus(double x) {
        return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    }
}
