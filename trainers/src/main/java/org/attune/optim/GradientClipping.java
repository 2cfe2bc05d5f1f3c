package org.attune.optim;

/// Clipping of gradients to a largest global norm, as `torch.nn.utils.clip_grad_norm_`.
public final class GradientClipping {
    /// Keeps the quotient finite for a norm of 0.
    private static final double EPSILON = 1e-6;

    private GradientClipping() {}

    /// `min(1, maxNorm / (norm + 1e-6))`: the factor that brings gradients of this norm to at most
    /// `maxNorm`, never up.
    ///
    /// @param norm norm of the gradients, finite
    /// @param maxNorm largest norm; 0 means no clipping, as in transformers
    public static double scale(double norm, double maxNorm) {
        if (!(maxNorm >= 0)) {
            throw new IllegalArgumentException("max_grad_norm must be >= 0, got " + maxNorm);
        }
        return maxNorm == 0 ? 1 : Math.min(1, maxNorm / (norm + EPSILON));
    }
}
