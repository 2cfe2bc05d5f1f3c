package org.attune.trainers.onpolicy;

/// What becomes of a run whose rewards say nothing about a whole round of completions.
public enum OnRewardFailure {
    /// it ends with an error
    STOP,
    /// it goes on, and those completions teach nothing
    CONTINUE
}
