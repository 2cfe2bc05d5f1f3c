package org.attune.trainers.loop;

import org.attune.trainers.config.IntervalStrategy;

/// Tells when a periodic action is due.
///
/// @param strategy never, every `interval` steps, or at the end of each epoch
/// @param interval steps between; ≥ 1
/// @param stepsPerEpoch optimizer steps of an epoch; ≥ 1
record Cadence(IntervalStrategy strategy, int interval, int stepsPerEpoch) {
    Cadence {
        interval = Math.max(1, interval);
    }

    /// Whether the event is due after `step` steps.
    boolean dueAfter(int step) {
        return switch (strategy) {
            case NO -> false;
            case STEPS -> step % interval == 0;
            case EPOCH -> step % stepsPerEpoch == 0;
        };
    }

    boolean isNever() {
        return strategy == IntervalStrategy.NO;
    }
}
