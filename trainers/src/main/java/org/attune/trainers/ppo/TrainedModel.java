package org.attune.trainers.ppo;

import org.attune.optim.GradientClipping;
import org.attune.optim.Optimizer;

/// Parameters that are updated several times in a step, with their optimizer.
final class TrainedModel {
    private final Optimizer optimizer;
    private final double maxGradNorm;
    private double sum;
    private int updates;

    /// @param optimizer borrowed
    /// @param maxGradNorm gradients are scaled down to this norm; 0: no clipping
    TrainedModel(Optimizer optimizer, double maxGradNorm) {
        this.optimizer = optimizer;
        this.maxGradNorm = maxGradNorm;
    }

    Optimizer optimizer() {
        return optimizer;
    }

    /// Starts a step, of which [#meanNorm] tells.
    void start() {
        sum = 0;
        updates = 0;
    }

    void zeroGradients() {
        optimizer.zeroGradients();
    }

    /// Norm of the gradients as they are.
    double norm() {
        return optimizer.gradientNorm();
    }

    /// @param norm of the gradients, finite
    void update(double learningRate, double norm) {
        optimizer.step(learningRate, GradientClipping.scale(norm, maxGradNorm));
        sum += norm;
        updates++;
    }

    /// Mean over the updates since the start, before clipping.
    double meanNorm() {
        return sum / Math.max(1, updates);
    }
}
