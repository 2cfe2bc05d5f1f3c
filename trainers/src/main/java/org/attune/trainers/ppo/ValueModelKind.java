package org.attune.trainers.ppo;

/// What estimates values.
public enum ValueModelKind {
    /// a separate network
    SEPARATE,
    /// a separate adapter on the policy's frozen weights
    LORA,
    /// a linear layer on the policy's trunk
    HEAD
}
