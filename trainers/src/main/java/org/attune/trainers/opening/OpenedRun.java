package org.attune.trainers.opening;

import org.attune.error.StopRequest;
import org.attune.error.StoppedException;
import org.attune.error.TaskResult;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.TrainedModelWriter;
import org.attune.policy.Policy;
import org.attune.policy.TeacherMemory;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.generation.TextCompleter;
import org.attune.tensor.Engine;
import org.attune.tensor.SideWork;
import org.attune.text.Tokenizer;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;

/// The parts of a run while it lasts. Everything is borrowed.
///
/// @param <T> a row
/// @param model files and texts
/// @param rows prepared
/// @param policy what is trained, a scorer too
/// @param context for the trainer
public record OpenedRun<T>(
        ModelSetup model, RunRows<T> rows, PolicySetup policy, RunContext context) {
    private static final String READING = "rows were read";

    /// Opens a run on the engine thread, trains, and closes it. Who interrupts the calling thread
    /// asks the run to stop.
    ///
    /// @param around where models are looked up, and who is told
    /// @param config of the model
    /// @param directory where relative paths start, usually that of the configuration
    /// @param read prepares the rows
    /// @param plan of what is trained
    /// @param train does the rest
    public static <T extends TrainingRow> RunSummary train(
            Surroundings around,
            ModelConfig config,
            Path directory,
            Function<RowSetup, RunRows<T>> read,
            PolicyPlan plan,
            Function<OpenedRun<T>, RunSummary> train) {
        var clock = new PhaseClock(watch(around.listeners()));
        return Engine.call(
                () ->
                        StopRequest.watching(
                                around.stop()::requested,
                                () -> train(around, config, directory, read, plan, train, clock)),
                around.stop()::request);
    }

    /// Opens a model and trains it, on the engine thread.
    private static <T extends TrainingRow> RunSummary train(
            Surroundings around,
            ModelConfig config,
            Path directory,
            Function<RowSetup, RunRows<T>> read,
            PolicyPlan plan,
            Function<OpenedRun<T>, RunSummary> train,
            PhaseClock clock) {
        try (var model = ModelSetup.open(config, around.hub())) {
            plan.check().accept(model);
            DtypeAdvice.give(config.dtype(), Engine.fastestDtype(model.device()));
            TaskMeans tasks = TaskMeans.read(plan.tasks(), model, around.hub());
            Loaded<T> loaded;
            var frozen = new FrozenWeights(around.ranks());
            try (var _ = clock.enter("load");
                    var _ = frozen.opening()) {
                loaded =
                        load(
                                model,
                                () -> read.apply(RowSetup.of(model, around.hub(), directory)),
                                rows -> plan.load().apply(model, rows));
            }
            try (PolicySetup policy = loaded.policy();
                    var _ = loaded.rows()) {
                policy.among(frozen);
                RunContext context = context(around, model, policy.policy(), clock);
                var run = new OpenedRun<>(model, loaded.rows(), policy, context);
                RunSummary summary =
                        train.apply(run.withContext(context.withTasks(tasks.of(run::completer))));
                frozen.end();
                return summary;
            }
        } catch (StoppedException e) {
            return RunSummary.stoppedBefore(clock.seconds());
        }
    }

    private static PhaseClock.Watch watch(List<TrainingListener> listeners) {
        return new PhaseClock.Watch() {
            @Override
            public void phase(String phase, boolean evaluating) {
                listeners.forEach(l -> l.onPhase(phase, evaluating));
            }

            @Override
            public void pass(int tokens) {
                listeners.forEach(l -> l.onPass(tokens));
            }

            @Override
            public void completed(int done, int total) {
                listeners.forEach(l -> l.onCompleted(done, total));
            }
        };
    }

    private record Loaded<T>(RunRows<T> rows, PolicySetup policy) {}

    /// Rows and weights, side by side where the weights are few: a mistake in the data should not
    /// have to wait until a large model is loaded.
    private static <T extends TrainingRow> Loaded<T> load(
            ModelSetup model,
            Supplier<RunRows<T>> read,
            Function<Supplier<List<? extends TrainingRow>>, PolicySetup> load) {
        if (!model.isSmall()) {
            RunRows<T> rows = read.get();
            StopRequest.check();
            return new Loaded<>(rows, load.apply(() -> RowStream.known(rows.train())));
        }
        BooleanSupplier asked = StopRequest.current();
        var reading = new FutureTask<RunRows<T>>(() -> StopRequest.watching(asked, read));
        SideWork.start("attune-read", reading);
        PolicySetup policy;
        try {
            policy =
                    Engine.leavingCores(
                            () ->
                                    load.apply(
                                            () ->
                                                    RowStream.known(
                                                            TaskResult.of(reading, READING)
                                                                    .train())));
        } catch (RuntimeException | Error e) {
            TaskResult.of(reading, READING); // whose failure comes first
            throw e;
        }
        try {
            return new Loaded<>(TaskResult.of(reading, READING), policy);
        } catch (RuntimeException | Error e) {
            policy.close();
            throw e;
        }
    }

    private static RunContext context(
            Surroundings around, ModelSetup model, Policy policy, PhaseClock clock) {
        around.passes().headRows().ifPresent(policy.decoder()::limitHeadRows);
        return new RunContext(
                new TrainedModelWriter(model, policy),
                model.fingerprint(),
                Optional.empty(),
                model.sharesPrompts()
                        && around.passes().shareBeginnings()
                        && policy.routerLoss() == 0,
                around.listeners(),
                around.stop(),
                clock,
                around.ranks(),
                Optional.empty(),
                _ -> List.of());
    }

    /// Adds the fingerprint of the run's reference.
    OpenedRun<T> withReference(String fingerprint) {
        return withContext(context.withReferenceFingerprint(fingerprint));
    }

    /// Completes texts by the policy's present weights.
    TextCompleter completer() {
        Tokenizer tokenizer = model.text().tokenizer();
        return new TextCompleter(
                Generator.of(policy.decoder(), policy.policy().adapterInUse(), tokenizer),
                tokenizer);
    }

    /// Replaces the run's surroundings.
    OpenedRun<T> withContext(RunContext other) {
        return new OpenedRun<>(model, rows, policy, other);
    }

    /// The settings with what memory allows; call it when all that is long-lived is loaded.
    ///
    /// @param lengths tokens of each row
    public TrainingConfig fitted(TrainingConfig training, int[] lengths) {
        return fitted(training, lengths, Optional.empty());
    }

    /// The settings with what memory allows beside a frozen model whose distributions the policy's
    /// are compared with.
    ///
    /// @param teacher its memory; empty without one
    TrainingConfig fitted(TrainingConfig training, int[] lengths, Optional<TeacherMemory> teacher) {
        return policy.fitToMemory(
                training, RowTokens.of(lengths, training.batch().rowsOfStep()), teacher);
    }
}
