package org.attune.trainers.config;

/// By what centred rewards are divided. TRL also takes `true` for `group` and `false` for `none`.
public enum ScaleRewards {
    /// The standard deviation of the prompt's group.
    GROUP,
    /// The standard deviation of the whole round.
    BATCH,
    /// Nothing.
    NONE
}
