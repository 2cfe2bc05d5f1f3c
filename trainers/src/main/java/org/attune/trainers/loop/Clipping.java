package org.attune.trainers.loop;

import org.attune.optim.GradientClipping;
import org.attune.optim.NormType;
import org.attune.optim.Optimizer;

/// How gradients are clipped before an update.
///
/// @param largest they are scaled down to this norm; 0: no clipping
/// @param type which norm
public record Clipping(double largest, NormType type) {
    /// No clipping.
    public static final Clipping NONE = new Clipping(0, NormType.L2);

    /// The factor on the gradients.
    ///
    /// @param euclidean their Euclidean norm, finite
    public double scale(Optimizer optimizer, double euclidean) {
        boolean known = largest == 0 || type == NormType.L2;
        double norm = known ? euclidean : optimizer.gradientNorm(type);
        return GradientClipping.scale(norm, largest);
    }
}
