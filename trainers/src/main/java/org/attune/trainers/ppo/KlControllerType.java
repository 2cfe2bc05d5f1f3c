package org.attune.trainers.ppo;

/// How the weight of the divergence develops.
public enum KlControllerType {
    /// `kl_coef` all along
    FIXED,
    /// `kl_coef` moves until the divergence is `kl_controller_target`
    ADAPTIVE
}
