package org.attune.trainers.config;

/// What is uploaded to the Hub, and when. The finished result is in any case.
public enum HubStrategy {
    /// Nothing else.
    END,
    /// The model of each checkpoint.
    EVERY_SAVE,
    /// That, and the newest checkpoint whole, as `last-checkpoint`.
    CHECKPOINT,
    /// That, and all checkpoints whole.
    ALL_CHECKPOINTS
}
