package org.attune.trainers.ppo;

import org.attune.optim.Optimizer;
import org.attune.trainers.loop.Clipping;

/// Parameters that are updated several times in a step, with their optimizer.
final class TrainedModel {
    private final Optimizer optimizer;
    private final Clipping clipping;
    private double sum;
    private int updates;

    /// @param optimizer borrowed
    TrainedModel(Optimizer optimizer, Clipping clipping) {
        this.optimizer = optimizer;
        this.clipping = clipping;
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
        optimizer.step(learningRate, clipping.scale(optimizer, norm));
        sum += norm;
        updates++;
    }

    /// Mean over the updates since the start, before clipping.
    double meanNorm() {
        return sum / Math.max(1, updates);
    }
}
