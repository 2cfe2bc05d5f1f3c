package org.attune.trainers;

import org.attune.checkpoint.Checkpoint;
import org.attune.checkpoint.CheckpointStore;
import org.attune.checkpoint.RunState;
import org.attune.error.CheckpointException;
import org.attune.files.AtomicFile;
import org.attune.files.SafeTensorsWriter;
import org.attune.optim.GradientClipping;
import org.attune.optim.LrSchedule;
import org.attune.optim.Optimizer;
import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.TrainingConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// The course of a run, whatever its objective: accumulate, check, clip, update, log, evaluate,
/// save, resume. One instance is one run.
final class TrainingLoop {
    private static final Logger LOG = LoggerFactory.getLogger(TrainingLoop.class);

    private final RunInfo info;
    private final TrainingConfig config;
    private final BatchPlan plan;
    private final Optimizer optimizer;
    private final LrSchedule schedule;
    private final RunContext context;
    private final Map<String, String> identity;
    private final CheckpointStore store;
    private final Cadence logging;
    private final Cadence evaluating;
    private final Cadence saving;

    private final MetricMeans pending = new MetricMeans();
    private final List<Map<String, Object>> logHistory = new ArrayList<>();
    private Map<String, Double> heldoutBefore = Map.of();
    private List<EvalReport> lastEvaluation = List.of();
    private int evaluatedAt = -1;
    private int savedAt = -1;
    private int step;
    private int firstStep;
    private long tokens;
    private long tokensBefore;
    private long tokensLogged;
    private double secondsLogged;
    private double lossSum;
    private double gradientNorm;

    /// What a trainer does in a run.
    interface Work {
        /// Adds the gradients of a step's loss to the policy's gradients, which are zero before.
        ///
        /// @return empty if it was stopped on the way
        /// @throws org.attune.error.TrainingDivergedException naming the rows, if a loss isn't
        ///     finite
        Optional<StepReport> step(BatchPlan.Window window);

        /// Scores the evaluation sets; empty if there are none.
        List<EvalReport> evaluate();

        /// Where the rows of a window come from.
        List<String> origins(BatchPlan.Window window);

        /// The metric by which held-out quality before and after training is compared.
        String heldoutMetric();
    }

    /// @param identity as in [RunState#identity]
    TrainingLoop(
            RunInfo info,
            TrainingConfig config,
            BatchPlan plan,
            Optimizer optimizer,
            LrSchedule schedule,
            RunContext context,
            Map<String, String> identity) {
        this.info = info;
        this.config = config;
        this.plan = plan;
        this.optimizer = optimizer;
        this.schedule = schedule;
        this.context = context;
        this.identity = identity;
        int total = info.totalSteps();
        int perEpoch = plan.stepsPerEpoch();
        store = new CheckpointStore(config.save().outputDir(), config.save().saveTotalLimit());
        logging =
                new Cadence(
                        config.log().loggingStrategy(),
                        config.log().loggingInterval(total),
                        perEpoch);
        evaluating =
                new Cadence(
                        config.eval().evalStrategy(),
                        config.eval().evalInterval(total, config.log().loggingSteps()),
                        perEpoch);
        saving =
                new Cadence(
                        config.save().saveStrategy(), config.save().saveInterval(total), perEpoch);
    }

    /// Runs to the last step, or until it is stopped.
    RunSummary run(Work work) {
        resume();
        context.listeners().forEach(l -> l.onStart(startInfo()));
        measureBefore(work);
        boolean interrupted = false;
        while (step < info.totalSteps() && !interrupted) {
            interrupted = !advance(work);
            if (!interrupted) {
                afterStep(work);
            }
        }
        return finish(work, interrupted);
    }

    /// One optimizer step; false if it was stopped before the weights changed.
    private boolean advance(Work work) {
        if (context.stop().requested()) {
            return false;
        }
        try (var _ = context.clock().enter("train")) {
            BatchPlan.Window window = plan.window(step);
            optimizer.zeroGradients();
            Optional<StepReport> report = work.step(window);
            if (report.isEmpty()) {
                return false;
            }
            gradientNorm = optimizer.gradientNorm();
            if (!Double.isFinite(gradientNorm)) {
                throw FiniteLoss.diverged(
                        "the gradient's norm is " + gradientNorm, work.origins(window));
            }
            double scale = GradientClipping.scale(gradientNorm, config.optimizer().maxGradNorm());
            optimizer.step(learningRate(step), scale);
            step++;
            record(report.get());
            return true;
        }
    }

    private void record(StepReport report) {
        tokens += report.tokens();
        lossSum += report.loss();
        pending.add(MetricKeys.LOSS, report.loss());
        report.microBatches().forEach(pending::add);
    }

    private void afterStep(Work work) {
        boolean last = step == info.totalSteps();
        boolean first = step == 1 && config.log().loggingFirstStep();
        if (logging.dueAfter(step) || first || (last && !logging.isNever())) {
            log();
        }
        if (evaluating.dueAfter(step)) {
            evaluate(work);
        }
        if (saving.dueAfter(step) || (last && !saving.isNever())) {
            save();
        }
    }

    private void log() {
        Map<String, Double> means = pending.means();
        Map<String, Object> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, means.remove(MetricKeys.LOSS));
        metrics.put(MetricKeys.GRAD_NORM, gradientNorm);
        metrics.put(MetricKeys.LEARNING_RATE, learningRate(step - 1));
        metrics.putAll(means);
        metrics.put(MetricKeys.NUM_TOKENS, tokens);
        metrics.put(MetricKeys.EPOCH, epoch());
        double seconds = context.clock().seconds("train");
        metrics.put(
                MetricKeys.TOKENS_PER_SECOND,
                (tokens - tokensLogged) / Math.max(1e-9, seconds - secondsLogged));
        tokensLogged = tokens;
        secondsLogged = seconds;
        pending.clear();
        tell(metrics);
    }

    private void tell(Map<String, Object> metrics) {
        remember(metrics);
        context.listeners().forEach(l -> l.onLog(step, metrics));
    }

    private void remember(Map<String, Object> metrics) {
        Map<String, Object> entry = new LinkedHashMap<>(metrics);
        entry.put(MetricKeys.STEP, step);
        logHistory.add(entry);
    }

    private void evaluate(Work work) {
        try (var _ = context.clock().enter("evaluate")) {
            long start = System.nanoTime();
            lastEvaluation = work.evaluate();
            evaluatedAt = step;
            if (lastEvaluation.isEmpty()) {
                return;
            }
            Map<String, Object> metrics = new LinkedHashMap<>();
            lastEvaluation.forEach(report -> metrics.putAll(report.prefixed()));
            metrics.put(MetricKeys.EVAL_PREFIX + MetricKeys.NUM_TOKENS, tokens);
            metrics.put(MetricKeys.EVAL_RUNTIME, (System.nanoTime() - start) / 1e9);
            metrics.put(MetricKeys.EPOCH, epoch());
            remember(metrics);
            context.listeners().forEach(l -> l.onEvaluate(step, metrics));
        }
    }

    private void measureBefore(Work work) {
        if (step > 0) {
            return; // the checkpoint knows
        }
        evaluate(work);
        heldoutBefore = new LinkedHashMap<>();
        if (!lastEvaluation.isEmpty()) {
            heldoutBefore.putAll(lastEvaluation.getFirst().metrics());
        }
    }

    private void save() {
        try (var _ = context.clock().enter("save")) {
            store.save(state(), info.totalSteps(), epoch(), this::writeFiles);
            savedAt = step;
        }
    }

    private void writeFiles(Path folder) throws IOException {
        context.model().write(folder);
        SafeTensorsWriter.write(folder.resolve(Checkpoint.OPTIMIZER), optimizer.state());
        context.listeners().forEach(l -> l.onSave(step, folder));
    }

    private RunState state() {
        return new RunState(
                step, tokens, lossSum, pending.snapshot(), heldoutBefore, identity, logHistory);
    }

    private void resume() {
        Optional<Checkpoint> from =
                switch (config.save().resume()) {
                    case Resume.No() -> Optional.empty();
                    case Resume.Latest() -> store.newest();
                    case Resume.From(Path folder) -> Optional.of(Checkpoint.open(folder));
                };
        if (from.isEmpty()) {
            return;
        }
        Checkpoint checkpoint = from.get();
        checkpoint.requireSameRun(identity);
        try (var file = checkpoint.optimizer()) {
            optimizer.restore(file);
        }
        RunState state = checkpoint.state();
        step = state.step();
        firstStep = step;
        savedAt = step;
        tokens = state.tokens();
        tokensBefore = tokens;
        tokensLogged = tokens;
        lossSum = state.lossSum();
        pending.restore(state.pending());
        heldoutBefore = state.heldoutBefore();
        logHistory.addAll(state.logHistory());
        LOG.info("resumed from {} at step {} of {}", checkpoint.folder(), step, info.totalSteps());
    }

    private RunSummary finish(Work work, boolean interrupted) {
        if (interrupted) {
            LOG.info("stopped after step {} of {}", step, info.totalSteps());
            if (step > 0 && savedAt != step) {
                save();
            }
        } else {
            if (evaluatedAt != step) {
                evaluate(work);
            }
            tellTotals();
            writeResult();
        }
        RunSummary summary = summary(work, interrupted);
        context.listeners().forEach(l -> l.onEnd(summary));
        return summary;
    }

    private void tellTotals() {
        double seconds = context.clock().seconds("train");
        int done = step - firstStep;
        if (done == 0) {
            return;
        }
        Map<String, Object> totals = new LinkedHashMap<>();
        totals.put(MetricKeys.TRAIN_RUNTIME, seconds);
        totals.put(MetricKeys.TRAIN_STEPS_PER_SECOND, done / seconds);
        totals.put(MetricKeys.TRAIN_LOSS, lossSum / step);
        totals.put(MetricKeys.EPOCH, epoch());
        tell(totals);
    }

    private void writeResult() {
        Path folder = config.save().outputDir();
        try (var _ = context.clock().enter("save")) {
            Files.createDirectories(folder);
            context.model().write(folder);
            AtomicFile.writeText(
                    folder.resolve("trainer_state.json"),
                    CheckpointStore.trainerState(state(), info.totalSteps(), epoch()));
        } catch (IOException e) {
            throw new CheckpointException(
                    "the trained model can't be written to %s: %s".formatted(folder, e), e);
        }
    }

    private RunSummary summary(Work work, boolean interrupted) {
        double seconds = context.clock().seconds("train");
        Optional<RunSummary.Heldout> heldout = Optional.empty();
        if (!lastEvaluation.isEmpty()) {
            EvalReport report = lastEvaluation.getFirst();
            String metric = work.heldoutMetric();
            Double before = heldoutBefore.get(metric);
            heldout =
                    Optional.of(
                            new RunSummary.Heldout(
                                    report.key(metric),
                                    report.rows(),
                                    before == null
                                            ? OptionalDouble.empty()
                                            : OptionalDouble.of(before),
                                    evaluatedAt == step
                                            ? OptionalDouble.of(report.metrics().get(metric))
                                            : OptionalDouble.empty()));
        }
        return new RunSummary(
                step,
                interrupted,
                heldout,
                context.clock().seconds(),
                seconds > 0 ? (tokens - tokensBefore) / seconds : 0,
                PeakMemory.bytes());
    }

    private RunInfo startInfo() {
        return new RunInfo(
                info.method(),
                info.outputDir(),
                step,
                info.totalSteps(),
                info.stepsPerEpoch(),
                info.trainedParameters());
    }

    private double learningRate(int at) {
        return config.optimizer().learningRate() * schedule.factor(at);
    }

    private double epoch() {
        return (double) step / plan.stepsPerEpoch();
    }
}
