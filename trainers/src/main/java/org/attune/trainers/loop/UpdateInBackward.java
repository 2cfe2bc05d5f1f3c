package org.attune.trainers.loop;

import org.attune.checkpoint.Checkpoint;
import org.attune.optim.Optimizer;
import org.attune.policy.ParameterSpace;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;

/// One update a step as in [OneUpdate], but on the way through its backward pass. Each group of
/// parameters changes as soon as its gradient is finished, and the next group's gradient takes the
/// place of that one. The fused update of [Lv et al. 2023](https://arxiv.org/abs/2306.09782), with
/// any optimizer.
///
/// The weights after a step are those of [OneUpdate] without clipping, bit for bit. A pass does not
/// read the weights of a group again that it has left. A step has one backward pass at most: the
/// gradients of several would have to be added up.
final class UpdateInBackward implements WeightUpdates {
    private final Optimizer optimizer;
    private final PhaseClock clock;
    private final double[] squares; // of each group's gradient in the last step
    private final BitSet updated = new BitSet(); // in the running step
    private Optional<Step> running = Optional.empty();

    /// @param optimizer borrowed
    /// @param space its parameters, whose groups share memory for gradients; borrowed
    UpdateInBackward(Optimizer optimizer, ParameterSpace space, PhaseClock clock) {
        this.optimizer = optimizer;
        this.clock = clock;
        squares = new double[space.groups().size()];
        space.whenComplete(this::update);
    }

    @Override
    public void begin(Step step) {
        updated.clear();
        try (var _ = clock.enter("optimizer")) {
            optimizer.zeroGradients(); // of a pass that an exception has ended
        }
        running = Optional.of(step);
    }

    @Override
    public void finish(Step step) {
        updateOthers();
        running = Optional.empty();
    }

    /// A wish to stop is heeded until the first group has changed; from there on the pass goes to
    /// its end.
    @Override
    public boolean mayStop() {
        return running.isEmpty() || updated.isEmpty();
    }

    /// A group that no gradient has reached changes too: by its moments and its decay.
    private void updateOthers() {
        for (int group = 0; group < squares.length; group++) {
            if (!updated.get(group)) {
                update(group);
            }
        }
    }

    private void update(int group) {
        Step now =
                running.orElseThrow(
                        () -> new IllegalStateException("a backward pass outside of a step"));
        if (updated.get(group)) {
            throw new IllegalStateException(
                    "a second backward pass in step %d, whose weights have changed already"
                            .formatted(now.number() + 1));
        }
        try (var _ = clock.enter("optimizer")) {
            squares[group] = optimizer.gradientSquares(group);
            if (!Double.isFinite(squares[group])) {
                throw diverged(now, Math.sqrt(squares[group]));
            }
            if (updated.isEmpty()) {
                optimizer.begin(now.learningRate());
            }
            updated.set(group);
            optimizer.update(group);
            optimizer.zeroGradients(group);
        }
    }

    private RuntimeException diverged(Step now, double norm) {
        String what = "the norm of a gradient is " + norm;
        return updated.isEmpty()
                ? FiniteLoss.diverged(what, now.origins().get())
                : FiniteLoss.divergedHalfway(what, now.origins().get());
    }

    @Override
    public double gradientNorm() {
        return Math.sqrt(Arrays.stream(squares).reduce(0, Double::sum));
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
