package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// When checkpoints are written.
@Api(EXPERIMENTAL)
public enum SaveStrategy {
    /// Never.
    NO,
    /// Every so many optimizer steps.
    STEPS,
    /// Written at the end of each pass over the data.
    EPOCH,
    /// After an evaluation that is the best so far.
    BEST;

    /// When checkpoints are due whatever evaluations say.
    public IntervalStrategy interval() {
        return switch (this) {
            case NO, BEST -> IntervalStrategy.NO;
            case STEPS -> IntervalStrategy.STEPS;
            case EPOCH -> IntervalStrategy.EPOCH;
        };
    }
}
