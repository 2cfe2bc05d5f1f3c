package org.attune.trainers.loop;

import org.attune.policy.Scorer;

import java.util.function.IntToDoubleFunction;

/// Whether a policy still is its reference: as long as no update with a learning rate above 0 was
/// made, where the reference is what the policy starts as. What the policy says of a row is then
/// what the reference says, and is used in its place: the loss of a first step is exact (ln 2 for
/// DPO), whatever the products round to, and rows have no preference yet. A function of the step's
/// number alone, so that a resumed run does what an undisturbed one does.
public final class StartingPoint {
    private final Scorer.Start kind;
    private final IntToDoubleFunction learningRate;
    private int still; // no step before this one moved it
    private int next;

    /// @param kind how the reference stands to the policy
    /// @param learningRate of each step, from 0
    StartingPoint(Scorer.Start kind, IntToDoubleFunction learningRate) {
        this.kind = kind;
        this.learningRate = learningRate;
    }

    /// Whether the gradients of a step are taken there.
    ///
    /// @param step from 0
    public boolean isTrainedAt(int step) {
        return kind == Scorer.Start.SAME && !hasMovedBefore(step);
    }

    /// Whether rows are scored there between steps.
    public boolean isMeasured() {
        return kind != Scorer.Start.OTHER && !hasMovedBefore(next);
    }

    /// Says that a step was made.
    public void made(int step) {
        next = step + 1;
    }

    /// Says that the run goes on after steps of an earlier process.
    public void resumed() {
        next = Integer.MAX_VALUE;
    }

    private boolean hasMovedBefore(int step) {
        if (step == Integer.MAX_VALUE) {
            return true;
        }
        while (still < step && learningRate.applyAsDouble(still) == 0) {
            still++;
        }
        return still < step;
    }
}
