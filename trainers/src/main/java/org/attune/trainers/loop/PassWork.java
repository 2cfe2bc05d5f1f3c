package org.attune.trainers.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.model.pass.Recomputation;
import org.attune.policy.TokenForest;

/// How much passed forward through a model: what a count of its floating-point operations needs.
///
/// @param passes micro-batches
/// @param rows tokens computed, a shared prompt once
/// @param attended pairs of a token and one that it sees, itself included; sliding windows are not
///     considered
/// @param targets rows that went through the output layer
@Api(EXPERIMENTAL)
public record PassWork(long passes, long rows, long attended, long targets) {
    public static final PassWork NONE = new PassWork(0, 0, 0, 0);

    /// One pass. Since positions continue from the parent's end, a token sees as many tokens as its
    /// position says, and itself.
    public static PassWork of(TokenForest forest) {
        long attended = forest.size();
        for (int position : forest.positions()) {
            attended += position;
        }
        return new PassWork(1, forest.size(), attended, forest.targetCount());
    }

    /// The blocks' part.
    PassWork withoutTargets() {
        return new PassWork(passes, rows, attended, 0);
    }

    public PassWork plus(PassWork other) {
        return new PassWork(
                passes + other.passes,
                rows + other.rows,
                attended + other.attended,
                targets + other.targets);
    }

    /// Shares of it, in whole numbers.
    public PassWork times(Recomputation.Shares shares) {
        return new PassWork(
                passes,
                Math.round(shares.products() * rows),
                Math.round(shares.attention() * attended),
                Math.round(shares.products() * targets));
    }

    public PassWork minus(PassWork other) {
        return new PassWork(
                passes - other.passes,
                rows - other.rows,
                attended - other.attended,
                targets - other.targets);
    }
}
