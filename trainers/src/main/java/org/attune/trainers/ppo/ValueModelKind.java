package org.attune.trainers.ppo;

/// What estimates values.
public enum ValueModelKind {
    /// a network of its own
    SEPARATE,
    /// an adapter of its own on the policy's frozen weights
    LORA,
    /// a linear layer on the policy's trunk
    HEAD
}
