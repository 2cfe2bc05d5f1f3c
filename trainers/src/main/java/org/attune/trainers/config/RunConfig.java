package org.attune.trainers.config;

import org.attune.models.ModelConfig;

/// What every method's configuration has.
public interface RunConfig {
    /// Model and number format.
    ModelConfig model();

    /// Adapter.
    LoraSettings lora();

    /// Rows.
    DataConfig data();

    /// Optimizer, schedule, batches, evaluation, checkpoints, logs.
    TrainingConfig training();
}
