package org.attune.trainers.grpo;

/// What a reward is credited to; `credit`.
public enum Credit {
    /// To all of the model's tokens of an episode alike, as in TRL.
    EPISODE,
    /// To each turn, what the episode earns from there on.
    TURNS,
    /// To each role, its own rewards, compared with those of the same role.
    ROLES
}
