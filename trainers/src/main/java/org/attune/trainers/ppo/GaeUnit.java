package org.attune.trainers.ppo;

/// Between what advantages are estimated; `gae_unit`.
public enum GaeUnit {
    /// Estimates go from token to token.
    TOKEN,
    /// Estimates go from turn to turn of an episode; all tokens of a turn have its advantage.
    TURN
}
