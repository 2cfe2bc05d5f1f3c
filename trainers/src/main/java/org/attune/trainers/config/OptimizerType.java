package org.attune.trainers.config;

/// The optimizers, by TRL's names. Both are the same fused AdamW here.
public enum OptimizerType {
    ADAMW_TORCH,
    ADAMW_TORCH_FUSED
}
