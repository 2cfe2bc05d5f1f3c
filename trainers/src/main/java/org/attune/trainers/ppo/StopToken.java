package org.attune.trainers.ppo;

/// What ends a completion of PPO.
public enum StopToken {
    /// the model's own end of a turn or text
    EOS,
    /// nothing: each has the full length
    NONE
}
