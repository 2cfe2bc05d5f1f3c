package org.attune.trainers.step;

import org.attune.error.StopRequest;
import org.attune.error.StoppedException;
import org.attune.policy.CausalPolicy;
import org.attune.tensor.Engine;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.layout.RowForest;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.loop.TimedPolicy;
import org.attune.trainers.loop.TrainingLoop;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// The run of a method whose step is one update: rows, gradients, update, checkpoint. Read [#step],
/// then [StepEngine#learn], then the method's [StepSums].
///
/// One instance is one run. The caller owns and closes what the supply borrows, and the policy.
///
/// @param <R> kind of row
/// @param <F> how rows are laid out
public final class Trainer<R, F extends RowForest> implements TrainingLoop.Work {
    private final RunConfig config;
    private final RowSupply<R, F> supply;
    private final StepEngine engine;
    private final RunContext context;
    private final RunParts parts;
    private Supplier<List<String>> origins = List::of;

    /// What a run computes with.
    ///
    /// @param policy timed
    /// @param devices closed at the end of the run
    /// @param groups what is computed at once
    public record Means(
            CausalPolicy policy, LogicalDevices devices, RowGroups groups, RunContext context) {
        /// @param policy with the values to start from; borrowed
        public static Means of(RunConfig config, CausalPolicy policy, RunContext context) {
            return new Means(
                    new TimedPolicy(policy, context.clock()),
                    LogicalDevices.of(config.training(), context),
                    RowGroups.of(config.training(), context),
                    context);
        }

        /// Replaces the groups.
        public Means withGroups(RowGroups others) {
            return new Means(policy, devices, others, context);
        }

        /// Computes a method's steps.
        public StepEngine engine(String method) {
            return new StepEngine(method, policy, groups, devices, context.clock());
        }
    }

    /// @param method its name, as in `attune sft`
    /// @param config a record, checked
    /// @param supply of rows
    public Trainer(String method, RunConfig config, Means means, RowSupply<R, F> supply) {
        this.config = config;
        this.supply = supply;
        context = means.context();
        engine = means.engine(method);
        parts = new RunParts(method, config.training(), means.policy(), context);
    }

    /// Trains to the last step, or until the context's stop signal. A process that only writes
    /// completions does so until the others have ended.
    ///
    /// @throws org.attune.error.TrainingDivergedException if loss or gradients aren't finite
    /// @throws org.attune.error.CheckpointException if a checkpoint can't be written or resumed
    public RunSummary train() {
        try {
            return Engine.call(
                    () ->
                            StopRequest.watching(
                                    context.stop()::requested,
                                    () -> {
                                        try (var _ = engine.devices()) {
                                            Map<String, String> identity = open();
                                            return context.isRolloutRank()
                                                    ? serve(identity)
                                                    : train(identity);
                                        }
                                    }));
        } catch (StoppedException e) { // while the run was prepared
            return RunSummary.stoppedBefore(context.clock().seconds());
        }
    }

    private RunSummary train(Map<String, String> identity) {
        try (TrainingLoop loop = parts.loop(supply.steps(), supply.stepsPerEpoch(), identity)) {
            RunSummary summary = loop.run(this);
            supply.end();
            return summary;
        }
    }

    private RunSummary serve(Map<String, String> identity) {
        parts.agree(identity);
        supply.serve();
        return RunSummary.ofRolloutRank(context.clock().seconds());
    }

    /// Prepares the run.
    ///
    /// @return what it can only be resumed with
    private Map<String, String> open() {
        parts.requireWholeSteps(supply.lengths());
        parts.adviseOnLearningRate(config.lora(), config.model());
        supply.open(parts, engine);
        Map<String, String> identity = parts.identity((Record) config, supply.fingerprint());
        identity.putAll(supply.identity());
        return identity;
    }

    @Override
    public StepReport step(int step) {
        engine.policy().startStep(step);
        StepRows<R, F> rows = supply.step(step);
        origins = rows.origins();
        StepReport report = engine.learn(rows);
        supply.learned(step);
        return report;
    }

    @Override
    public List<HeldOutMeans> evaluate() {
        return supply.evaluate();
    }

    @Override
    public List<String> origins(int step) {
        return origins.get();
    }

    @Override
    public String heldoutMetric() {
        return supply.heldoutMetric();
    }

    @Override
    public List<CheckpointPart> checkpointParts() {
        return supply.checkpointParts();
    }
}
