package org.attune.trainers.config;

/// When something is done during training.
public enum IntervalStrategy {
    /// Never.
    NO,
    /// Every so many optimizer steps.
    STEPS,
    /// Done at the end of each pass over the data.
    EPOCH
}
