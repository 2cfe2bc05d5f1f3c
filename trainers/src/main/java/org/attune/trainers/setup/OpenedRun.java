package org.attune.trainers.setup;

import org.attune.policy.Policy;
import org.attune.tensor.Engine;
import org.attune.trainers.PhaseClock;
import org.attune.trainers.RunContext;
import org.attune.trainers.RunSummary;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.ModelConfig;
import org.attune.trainers.config.TrainingConfig;

import java.util.function.Function;
import java.util.function.ToIntFunction;

/// What a run is made of while it lasts. Everything is borrowed.
///
/// @param <T> a row
/// @param model files and texts
/// @param rows prepared
/// @param policy what is trained, a scorer too
/// @param context for the trainer
record OpenedRun<T>(ModelSetup model, RunRows<T> rows, PolicySetup policy, RunContext context) {
    /// Opens a run on the engine thread, trains, and closes it.
    ///
    /// @param runs says where models are looked up and who is told
    /// @param config of the model
    /// @param read prepares the rows
    /// @param load brings the weights to memory, after the rows
    /// @param train does the rest
    static <T> RunSummary train(
            Runs runs,
            ModelConfig config,
            Function<RowSetup, RunRows<T>> read,
            Function<ModelSetup, PolicySetup> load,
            Function<OpenedRun<T>, RunSummary> train) {
        var clock = new PhaseClock();
        return Engine.call(
                () -> {
                    try (var model = ModelSetup.open(config, runs.hub())) {
                        RunRows<T> rows;
                        PolicySetup policy;
                        try (var _ = clock.enter("load")) {
                            rows = read.apply(new RowSetup(model.text(), runs.hub()));
                            policy = load.apply(model);
                        }
                        try (policy) {
                            RunContext context = context(runs, model, policy.policy(), clock);
                            return train.apply(new OpenedRun<>(model, rows, policy, context));
                        }
                    }
                });
    }

    private static RunContext context(
            Runs runs, ModelSetup model, Policy policy, PhaseClock clock) {
        return new RunContext(
                new TrainedModelWriter(model, policy),
                model.fingerprint(),
                model.sharesPrompts(),
                runs.listeners(),
                runs.stop(),
                clock);
    }

    /// The settings with what memory allows; call it when all that is long-lived is loaded.
    ///
    /// @param length tokens of a row
    TrainingConfig fitted(TrainingConfig training, ToIntFunction<T> length) {
        int[] lengths = rows.train().stream().mapToInt(length).toArray();
        return policy.fitToMemory(training, RowTokens.of(lengths, training.batch().rowsOfStep()));
    }
}
