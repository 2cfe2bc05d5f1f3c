package org.attune.trainers.loop;

import org.attune.checkpoint.BestEvaluation;
import org.attune.checkpoint.Checkpoint;
import org.attune.checkpoint.CheckpointStore;
import org.attune.checkpoint.RunState;
import org.attune.error.CheckpointException;
import org.attune.error.RewardException;
import org.attune.error.StopRequest;
import org.attune.error.StoppedException;
import org.attune.files.AtomicFile;
import org.attune.optim.Optimizer;
import org.attune.tensor.TensorScope;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// The course of a run, whatever its objective: accumulate, check, clip, update, log, evaluate,
/// save, resume. One instance is one run.
public final class TrainingLoop implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TrainingLoop.class);

    /// Rows of a step may be few and of other lengths than those of the next.
    private static final int STEPS_OF_OTHER_LENGTHS = 4;

    private final RunInfo info;
    private final TrainingConfig config;
    private final WeightUpdates updates;
    private final LearningRates rates;
    private final BestModel best;
    private final Optional<Bema> average;
    private final RunContext context;
    private final Map<String, String> identity;
    private final CheckpointStore store;
    private final Cadence logging;
    private final Cadence evaluating;
    private final Cadence saving;
    private final boolean savesBest;

    private final RunLog log;
    private final FreedMemory memory = new FreedMemory(STEPS_OF_OTHER_LENGTHS);
    private Optional<Optimizer> optimizer = Optional.empty();
    private Map<String, Double> heldoutBefore = Map.of();
    private List<HeldOutMeans> lastEvaluation = List.of();
    private int evaluatedAt = -1;
    private int savedAt = -1;
    private int step;
    private int firstStep;
    private double rate; // of the last step
    private final StillSteps still = new StillSteps();
    private int resultOf = -1; // step whose weights the result is, if it is not the last

    /// What a trainer does in a run.
    public interface Work {
        /// Adds the gradients of a step's loss to the policy's gradients, which are zero before.
        ///
        /// @param step from 0
        /// @throws StoppedException if it was stopped on the way
        /// @throws org.attune.error.TrainingDivergedException naming the rows, if a loss isn't
        ///     finite
        StepReport step(int step);

        /// Scores the evaluation sets; empty if there are none.
        ///
        /// @throws StoppedException if it was stopped on the way
        List<HeldOutMeans> evaluate();

        /// Where the rows of a step come from.
        List<String> origins(int step);

        /// The metric by which held-out quality before and after training is compared.
        String heldoutMetric();

        /// What checkpoints must hold beside model, optimizer and counters, in the order in which
        /// it is restored.
        default List<CheckpointPart> checkpointParts() {
            return List.of();
        }
    }

    /// @param average taken beside; owned
    /// @param identity as in [RunState#identity]
    TrainingLoop(
            RunInfo info,
            TrainingConfig config,
            WeightUpdates updates,
            LearningRates rates,
            Optional<Bema> average,
            RunContext context,
            Map<String, String> identity) {
        this.info = info;
        this.config = config;
        this.updates = updates;
        this.rates = rates;
        this.average = average;
        this.context = context;
        this.identity = identity;
        log = new RunLog(context.listeners(), context.ranks());
        int total = info.totalSteps();
        int perEpoch = (int) info.stepsPerEpoch();
        store = new CheckpointStore(config.save().outputDir(), config.save().saveTotalLimit());
        var logs = config.log();
        logging = new Cadence(logs.loggingStrategy(), logs.loggingInterval(total), perEpoch);
        evaluating =
                new Cadence(
                        config.eval().evalStrategy(),
                        config.eval().evalInterval(total, config.log().loggingSteps()),
                        perEpoch);
        var saves = config.save();
        saving = new Cadence(saves.saveStrategy().interval(), saves.saveInterval(total), perEpoch);
        savesBest = saves.saveStrategy() == SaveStrategy.BEST;
        best = new BestModel(config.best(), savesBest, rates);
    }

    /// Owns the optimizer too.
    TrainingLoop owning(Optimizer one) {
        optimizer = Optional.of(one);
        return this;
    }

    @Override
    public void close() {
        average.ifPresent(Bema::close);
        optimizer.ifPresent(Optimizer::close);
    }

    /// Runs to the last step, or until it is stopped.
    public RunSummary run(Work work) {
        TensorScope.resetPeak();
        resume(work);
        context.listeners().forEach(l -> l.onIdentity(identity));
        context.listeners().forEach(l -> l.onStart(startInfo()));
        boolean finished;
        try {
            finished =
                    StopRequest.watching(
                            () -> context.stop().requested() && updates.mayStop(),
                            () -> {
                                evaluateAtStart(work);
                                while (!isOver()) {
                                    if (!advance(work)) {
                                        return false;
                                    }
                                    afterStep(work);
                                }
                                if (evaluatedAt != step) {
                                    evaluate(work);
                                }
                                return true;
                            });
        } catch (StoppedException e) {
            finished = false;
        } catch (RewardException e) {
            keepSteps(work);
            throw e;
        }
        return finish(work, !finished);
    }

    private void evaluateAtStart(Work work) {
        if (step == 0) {
            evaluate(work);
            keepBefore();
        } else if (evaluationIsDue() && !log.hasEvaluation(step) && evaluateAndCompare(work)) {
            best.saving(step); // the checkpoint whose evaluation was stopped
        }
    }

    /// Rewards failed, through no fault of the steps before: their work is kept.
    private void keepSteps(Work work) {
        boolean alone = context.ranks().size() == 1; // others may not have failed
        if (alone && step > 0 && savedAt != step) {
            save(work);
            LOG.info("step {} was saved; resume: true goes on from there", step);
        }
    }

    private boolean isOver() {
        return step == info.totalSteps() || best.stops();
    }

    /// In transformers too an evaluation by steps or epochs comes at the end of a run.
    private boolean evaluationIsDue() {
        boolean end = step == info.totalSteps() && !evaluating.isNever();
        return (end || evaluating.dueAfter(step))
                && step >= config.eval().delaySteps((int) info.stepsPerEpoch());
    }

    /// An evaluation that counts; true if a checkpoint follows from it.
    private boolean evaluateAndCompare(Work work) {
        evaluate(work);
        boolean isBest = best.evaluated(step, lastEvaluation);
        return isBest && savesBest || saving.dueAfter(step);
    }

    /// Makes one step; false if it was stopped before the weights changed.
    private boolean advance(Work work) {
        context.ranks().enter(step + 1);
        context.stop().agree();
        if (context.stop().requested()) {
            return false;
        }
        try (var _ = context.clock().enter("train")) {
            context.clock().step(isLogged(step + 1));
            rate = rates.of(step);
            var now = new WeightUpdates.Step(step, rate, () -> work.origins(step));
            updates.begin(now);
            StepReport report = work.step(step);
            updates.finish(now);
            work.checkpointParts().forEach(part -> part.updated(step));
            step++;
            average.ifPresent(a -> a.made(step));
            log.count(report);
            still.tell(report, isLogged(step), updates::gradientNorm);
            memory.afterStep();
            return true;
        }
    }

    private void afterStep(Work work) {
        context.listeners().forEach(l -> l.onStep(step, log.tokensHere(), context.clock()));
        boolean last = step == info.totalSteps();
        if (isLogged(step)) {
            log.step(step, updates.gradientNorm(), rate, epoch(), trainSeconds());
        }
        boolean save = saving.dueAfter(step);
        if (evaluationIsDue()) {
            save = evaluateAndCompare(work);
        }
        if (save || (isOver() && !saving.isNever())) {
            save(work);
        }
        if (best.stops() && !last) {
            LOG.info(
                    "{} was not better for {} evaluations: the run ends after step {} of {}",
                    best.metricKey(),
                    config.best().earlyStoppingPatience().getAsInt(),
                    step,
                    info.totalSteps());
        }
    }

    /// @param made number of a step, from 1
    private boolean isLogged(int made) {
        boolean last = made == info.totalSteps();
        boolean first = made == 1 && config.log().loggingFirstStep();
        return logging.dueAfter(made) || first || (last && !logging.isNever());
    }

    private void evaluate(Work work) {
        try (var _ = context.clock().enter("evaluate")) {
            long start = System.nanoTime();
            atResult(() -> lastEvaluation = context.with(work.evaluate()));
            evaluatedAt = step;
            if (lastEvaluation.isEmpty()) {
                return;
            }
            memory.giveBack();
            double seconds = (System.nanoTime() - start) / 1e9;
            if (!log.hasEvaluation(step)) { // which a finished run that is resumed has
                log.evaluation(step, lastEvaluation, epoch(), seconds);
            }
        }
    }

    /// Works with the weights that the run results in, where an optimizer trains at others.
    private void atResult(Runnable work) {
        updates.showResult();
        try {
            work.run();
        } finally {
            updates.showTrained();
        }
    }

    /// What a checkpoint knows later.
    private void keepBefore() {
        heldoutBefore = new LinkedHashMap<>();
        if (!lastEvaluation.isEmpty()) {
            best.requireMetric(lastEvaluation);
            heldoutBefore.putAll(lastEvaluation.getFirst().metrics());
        }
    }

    private void save(Work work) {
        try (var _ = context.clock().enter("save")) {
            best.saving(step);
            atResult(() -> writeCheckpoint(work));
            savedAt = step;
        }
    }

    /// One process writes; the others go on when the checkpoint is whole.
    private void writeCheckpoint(Work work) {
        work.checkpointParts().forEach(CheckpointPart::saving);
        if (context.ranks().writes()) {
            store.save(
                    state(),
                    info.totalSteps(),
                    epoch(),
                    best.best(),
                    folder -> writeFiles(work, folder));
        } else {
            updates.give();
        }
        context.ranks().barrier("checkpoint");
    }

    private void writeFiles(Work work, Path folder) throws IOException {
        context.model().write(folder);
        updates.save(folder);
        for (CheckpointPart part : work.checkpointParts()) {
            part.save(folder);
        }
        best.save(folder);
        if (average.isPresent()) {
            average.get().save(folder);
        }
        context.listeners().forEach(l -> l.onSave(step, folder));
    }

    private RunState state() {
        return log.state(step, heldoutBefore, identity);
    }

    private void resume(Work work) {
        Optional<Checkpoint> from = ResumePoint.of(config.save());
        if (from.isEmpty()) {
            return;
        }
        Checkpoint checkpoint = from.get();
        ResumePoint.requireSameRun(checkpoint, identity, info.totalSteps(), config.schedule());
        RunState state = checkpoint.state();
        var rewards = ChangedRewards.of(state.identity(), identity);
        if (rewards.isEmpty()) {
            heldoutBefore = state.heldoutBefore();
        } else {
            // By the weights of the start.
            atResult(() -> lastEvaluation = context.with(work.evaluate()));
            keepBefore();
        }
        updates.restore(checkpoint);
        work.checkpointParts().forEach(part -> part.restore(checkpoint.folder()));
        if (rewards.isEmpty()) {
            best.restore(checkpoint.folder());
        }
        average.ifPresent(a -> a.restore(checkpoint.folder()));
        step = state.step();
        firstStep = step;
        savedAt = step;
        log.restore(state);
        context.listeners().forEach(l -> l.onResume(checkpoint.folder()));
        if (!rewards.isEmpty()) {
            rewards.tell(step, !heldoutBefore.isEmpty(), context.listeners());
        }
        LOG.info("resumed from {} at step {} of {}", checkpoint.folder(), step, info.totalSteps());
    }

    private RunSummary finish(Work work, boolean interrupted) {
        if (interrupted) {
            LOG.info("stopped after step {} of {}", step, info.totalSteps());
            if (step > 0 && savedAt != step) {
                save(work);
            }
        } else {
            log.totals(step, step - firstStep, epoch(), trainSeconds());
            still.tellAtTheEnd(step - firstStep);
            if (best.isLoadedAtEnd()) {
                loadBest();
            }
            writeResult();
        }
        RunSummary summary = summary(work, interrupted);
        context.listeners().forEach(l -> l.onEnd(summary));
        return summary;
    }

    /// Makes the best checkpoint's weights the result.
    private void loadBest() {
        Optional<BestEvaluation> found = best.best().filter(b -> b.checkpoint().isPresent());
        if (found.isEmpty()) {
            LOG.warn("no checkpoint was written at a best evaluation; the last weights stay");
            return;
        }
        int from = found.get().checkpoint().getAsInt();
        if (from != found.get().step()) {
            LOG.warn(
                    "the best evaluation, after step {}, has no checkpoint; the one of step {} was"
                            + " the best before it; with save_steps as eval_steps each has one",
                    found.get().step(),
                    from);
        }
        if (from != step) {
            updates.restore(store.of(from));
        }
        if (context.ranks().writes()) {
            store.finish(from);
        }
        LOG.info(
                "the result is checkpoint-{} ({} {})",
                from,
                best.metricKey(),
                log.evaluated(from, best.metricKey()).orElse(Double.NaN));
        resultOf = from;
        Path folder = store.of(from).folder();
        context.listeners().forEach(l -> l.onBest(folder));
    }

    private void writeResult() {
        if (context.ranks().writes()) {
            writeFinal();
        }
        context.ranks().barrier("result");
    }

    private void writeFinal() {
        Path folder = config.save().outputDir();
        try (var _ = context.clock().enter("save")) {
            Files.createDirectories(folder);
            updates.showResult(); // and nothing is trained after it
            context.model().write(folder);
            if (average.isPresent()) {
                average.get().write(folder, context.model());
            }
            AtomicFile.writeText(
                    folder.resolve("trainer_state.json"),
                    CheckpointStore.trainerState(state(), info.totalSteps(), epoch(), best.best()));
        } catch (IOException e) {
            throw new CheckpointException(
                    "the trained model can't be written to %s: %s".formatted(folder, e), e);
        }
    }

    private RunSummary summary(Work work, boolean interrupted) {
        double seconds = trainSeconds();
        Optional<RunSummary.Heldout> heldout = Optional.empty();
        if (!lastEvaluation.isEmpty()) {
            HeldOutMeans report = lastEvaluation.getFirst();
            String metric = report.compared(work.heldoutMetric());
            Double before = heldoutBefore.get(metric);
            heldout =
                    Optional.of(
                            new RunSummary.Heldout(
                                    report.key(metric),
                                    report.rows(),
                                    before == null
                                            ? OptionalDouble.empty()
                                            : OptionalDouble.of(before),
                                    after(report, metric)));
        }
        return new RunSummary(
                step,
                interrupted,
                heldout,
                context.clock().seconds(),
                seconds > 0 ? log.tokensHere() / seconds : 0,
                ProcessMemory.peakBytes(),
                TensorScope.peaksOfGpus());
    }

    private OptionalDouble after(HeldOutMeans report, String metric) {
        if (resultOf >= 0) {
            return log.evaluated(resultOf, report.key(metric));
        }
        Double after = report.metrics().get(metric); // null where no completion was judged
        return evaluatedAt == step && after != null
                ? OptionalDouble.of(after)
                : OptionalDouble.empty();
    }

    private RunInfo startInfo() {
        return new RunInfo(
                info.method(),
                info.outputDir(),
                step,
                info.totalSteps(),
                info.stepsPerEpoch(),
                log.entries(),
                info.trainedParameters());
    }

    private double trainSeconds() {
        return context.clock().wholeSeconds("train");
    }

    private double epoch() {
        return (double) step / info.stepsPerEpoch();
    }
}
