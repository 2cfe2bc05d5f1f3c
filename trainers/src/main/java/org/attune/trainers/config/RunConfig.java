package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.models.ModelConfig;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

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

    /// Rows that the run takes, where its length is given in steps.
    default OptionalLong rowsOfRun() {
        OptionalInt steps = training().schedule().maxSteps();
        return steps.isPresent()
                ? OptionalLong.of((long) steps.getAsInt() * training().batch().rowsOfStep())
                : OptionalLong.empty();
    }

    /// Models that the run reads beside its base model, by name or folder.
    default List<Optional<String>> inputs() {
        return List.of(model().adapterNameOrPath());
    }
}
