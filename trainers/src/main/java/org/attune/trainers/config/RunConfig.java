package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.models.ModelConfig;

import java.util.List;
import java.util.Optional;

/// What every method's configuration has.
@Api(EXPERIMENTAL)
public interface RunConfig {
    /// Model and number format.
    ModelConfig model();

    /// Adapter.
    LoraSettings lora();

    /// Rows.
    DataConfig data();

    /// Optimizer, schedule, batches, evaluation, checkpoints, logs.
    TrainingConfig training();

    /// Models that the run reads beside its base model, by name or folder.
    default List<Optional<String>> inputs() {
        return List.of(model().adapterNameOrPath());
    }
}
