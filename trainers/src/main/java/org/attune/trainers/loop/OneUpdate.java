package org.attune.trainers.loop;

import org.attune.checkpoint.Checkpoint;
import org.attune.optim.NormType;
import org.attune.optim.Optimizer;
import org.attune.policy.ParameterSpace;
import org.attune.tensor.LaterNumbers;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/// One update at the end of each step, along the gradients that its work has added up.
final class OneUpdate implements WeightUpdates {
    private final Optimizer optimizer;
    private final ParameterSpace space;
    private final Clipping clipping;
    private final PhaseClock clock;
    private double gradientNorm;
    private Optional<Awaited> awaited = Optional.empty();

    /// What is known of a step's norm, with which weights were updated on a GPU: not at all if it
    /// isn't finite.
    ///
    /// @param origins of the step's rows
    private record Awaited(LaterNumbers norm, List<String> origins) {}

    /// @param optimizer borrowed
    /// @param space its parameters
    OneUpdate(Optimizer optimizer, ParameterSpace space, Clipping clipping, PhaseClock clock) {
        this.optimizer = optimizer;
        this.space = space;
        this.clipping = clipping;
        this.clock = clock;
    }

    @Override
    public void begin(Step step) {
        try (var _ = clock.enter("optimizer")) {
            optimizer.zeroGradients();
        }
    }

    @Override
    public void finish(Step step) {
        try (var _ = clock.enter("optimizer")) {
            update(step);
        }
    }

    private void update(Step step) {
        settle();
        space.completeGradients();
        Optional<LaterNumbers> later =
                clipping.type() == NormType.L2 && !space.followsUpdates()
                        ? optimizer.stepClipped(step.learningRate(), clipping.largest())
                        : Optional.empty();
        if (later.isPresent()) {
            awaited = Optional.of(new Awaited(later.get(), step.origins().get()));
            return;
        }
        gradientNorm = optimizer.gradientNorm();
        requireFinite(step.origins());
        double scale = clipping.scale(optimizer, gradientNorm);
        optimizer.step(step.learningRate(), scale);
        space.updated(step.number(), scale);
    }

    /// Looks at the norm of a step that nobody has waited for.
    private void settle() {
        if (awaited.isPresent()) {
            Awaited last = awaited.get();
            awaited = Optional.empty();
            gradientNorm = last.norm().read()[0];
            requireFinite(last::origins);
        }
    }

    private void requireFinite(Supplier<List<String>> origins) {
        if (!Double.isFinite(gradientNorm)) {
            throw FiniteLoss.diverged("the gradient's norm is " + gradientNorm, origins.get());
        }
    }

    @Override
    public double gradientNorm() {
        settle();
        return gradientNorm;
    }

    @Override
    public void showResult() {
        settle();
        optimizer.showResult();
    }

    @Override
    public void showTrained() {
        optimizer.showTrained();
    }

    @Override
    public void save(Path folder) throws IOException {
        WeightUpdates.write(optimizer, folder);
    }

    @Override
    public void give() {
        optimizer.giveState();
    }

    @Override
    public void restore(Checkpoint checkpoint) {
        WeightUpdates.read(optimizer, checkpoint);
    }
}
