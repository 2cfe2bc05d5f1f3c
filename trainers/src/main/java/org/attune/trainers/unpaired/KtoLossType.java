package org.attune.trainers.unpaired;

/// KTO's objectives, by TRL's names.
public enum KtoLossType {
    /// Distance to the divergence from the reference.
    KTO,
    /// Distance to the reference itself, without an estimate of the divergence.
    APO_ZERO_UNPAIRED
}
