package org.attune.trainers.loop;

import org.attune.checkpoint.Checkpoint;
import org.attune.optim.Optimizer;
import org.attune.trainers.loop.TrainingLoop.Work;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/// One update at the end of each step, along the gradients that its work has added up.
final class OneUpdate implements WeightUpdates {
    private final Optimizer optimizer;
    private final Clipping clipping;
    private final PhaseClock clock;
    private double gradientNorm;

    /// @param optimizer borrowed
    OneUpdate(Optimizer optimizer, Clipping clipping, PhaseClock clock) {
        this.optimizer = optimizer;
        this.clipping = clipping;
        this.clock = clock;
    }

    @Override
    public Optional<StepReport> run(int step, double learningRate, Work work) {
        try (var _ = clock.enter("optimizer")) {
            optimizer.zeroGradients();
        }
        Optional<StepReport> report = work.step(step);
        if (report.isPresent()) {
            try (var _ = clock.enter("optimizer")) {
                update(step, learningRate, work);
            }
        }
        return report;
    }

    private void update(int step, double learningRate, Work work) {
        gradientNorm = optimizer.gradientNorm();
        if (!Double.isFinite(gradientNorm)) {
            throw FiniteLoss.diverged("the gradient's norm is " + gradientNorm, work.origins(step));
        }
        optimizer.step(learningRate, clipping.scale(optimizer, gradientNorm));
    }

    @Override
    public double gradientNorm() {
        return gradientNorm;
    }

    @Override
    public void showResult() {
        optimizer.showResult();
    }

    @Override
    public void showTrained() {
        optimizer.showTrained();
    }

    @Override
    public void save(Path folder) throws IOException {
        OptimizerFile.write(optimizer, folder);
    }

    @Override
    public void give() {
        optimizer.giveState();
    }

    @Override
    public void restore(Checkpoint checkpoint) {
        OptimizerFile.read(optimizer, checkpoint);
    }
}
