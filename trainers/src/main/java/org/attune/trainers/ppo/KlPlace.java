package org.attune.trainers.ppo;

/// Where the divergence from the reference counts.
public enum KlPlace {
    /// taken off each token's reward, as in TRL
    REWARD,
    /// added to the loss
    LOSS
}
