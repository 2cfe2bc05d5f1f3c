package org.attune.trainers.ppo;

/// Between what advantages are estimated; `gae_unit`.
public enum GaeUnit {
    /// From token to token.
    TOKEN,
    /// From turn to turn of an episode; all tokens of a turn have its advantage.
    TURN
}
