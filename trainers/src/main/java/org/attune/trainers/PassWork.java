package org.attune.trainers;

import org.attune.policy.TokenForest;

/// How much passed forward through a model: what a count of its floating-point operations needs.
///
/// @param passes micro-batches
/// @param rows tokens computed, a shared prompt once
/// @param attended pairs of a token and one that it sees, itself included; sliding windows are not
///     considered
/// @param targets rows that went through the output layer
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

    public PassWork plus(PassWork other) {
        return new PassWork(
                passes + other.passes,
                rows + other.rows,
                attended + other.attended,
                targets + other.targets);
    }

    /// A share of it, in whole numbers.
    public PassWork times(double share) {
        return new PassWork(
                passes,
                Math.round(share * rows),
                Math.round(share * attended),
                Math.round(share * targets));
    }

    public PassWork minus(PassWork other) {
        return new PassWork(
                passes - other.passes,
                rows - other.rows,
                attended - other.attended,
                targets - other.targets);
    }
}
