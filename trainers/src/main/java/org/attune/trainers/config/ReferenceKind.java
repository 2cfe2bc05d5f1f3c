package org.attune.trainers.config;

/// What the policy is compared with.
public enum ReferenceKind {
    /// The policy's weights with the adapter switched off.
    ADAPTER_OFF,
    /// A frozen copy of the adapter that the run starts from.
    START_ADAPTER,
    /// A separate model, `ref_model_name_or_path`; without that, a frozen copy of the
    /// start.
    MODEL,
    /// Log-probabilities computed once, before training.
    PRECOMPUTED
}
