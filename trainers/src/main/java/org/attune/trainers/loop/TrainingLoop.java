package org.attune.trainers.loop;

import org.attune.checkpoint.Checkpoint;
import org.attune.checkpoint.CheckpointStore;
import org.attune.checkpoint.RunState;
import org.attune.error.CheckpointException;
import org.attune.error.RewardException;
import org.attune.error.StopRequest;
import org.attune.error.StoppedException;
import org.attune.files.AtomicFile;
import org.attune.optim.LrSchedule;
import org.attune.trainers.config.ConfigNames;
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
public final class TrainingLoop {
    private static final Logger LOG = LoggerFactory.getLogger(TrainingLoop.class);

    /// Rows of a step may be few and of other lengths than those of the next.
    private static final int STEPS_OF_OTHER_LENGTHS = 4;

    private final RunInfo info;
    private final TrainingConfig config;
    private final WeightUpdates updates;
    private final LrSchedule schedule;
    private final RunContext context;
    private final Map<String, String> identity;
    private final CheckpointStore store;
    private final Cadence logging;
    private final Cadence evaluating;
    private final Cadence saving;

    private final RunLog log;
    private final FreedMemory memory = new FreedMemory(STEPS_OF_OTHER_LENGTHS);
    private Map<String, Double> heldoutBefore = Map.of();
    private List<HeldOutMeans> lastEvaluation = List.of();
    private int evaluatedAt = -1;
    private int savedAt = -1;
    private int step;
    private int firstStep;

    /// What a trainer does in a run.
    public interface Work {
        /// Adds the gradients of a step's loss to the policy's gradients, which are zero before.
        ///
        /// @return empty if it was stopped on the way
        /// @throws StoppedException likewise
        /// @throws org.attune.error.TrainingDivergedException naming the rows, if a loss isn't
        ///     finite
        ///
        /// @param step from 0
        Optional<StepReport> step(int step);

        /// Told that the weights were changed by a step.
        ///
        /// @param step from 0
        default void updated(int step) {}

        /// Scores the evaluation sets; empty if there are none.
        ///
        /// @throws StoppedException if it was stopped on the way
        List<HeldOutMeans> evaluate();

        /// Where the rows of a step come from.
        List<String> origins(int step);

        /// The metric by which held-out quality before and after training is compared.
        String heldoutMetric();

        /// Writes what a checkpoint must hold beside model, optimizer and counters.
        default void save(Path folder) throws IOException {}

        /// Restores what [#save] wrote.
        default void restore(Path folder) {}
    }

    /// @param identity as in [RunState#identity]
    TrainingLoop(
            RunInfo info,
            TrainingConfig config,
            WeightUpdates updates,
            LrSchedule schedule,
            RunContext context,
            Map<String, String> identity) {
        this.info = info;
        this.config = config;
        this.updates = updates;
        this.schedule = schedule;
        this.context = context;
        this.identity = identity;
        log = new RunLog(context.listeners());
        int total = info.totalSteps();
        int perEpoch = (int) info.stepsPerEpoch();
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
        resume(work);
        context.listeners().forEach(l -> l.onStart(startInfo()));
        boolean finished;
        try {
            finished = StopRequest.watching(context.stop()::requested, () -> toTheEnd(work));
        } catch (StoppedException e) {
            finished = false;
        } catch (RewardException e) {
            keepSteps(work);
            throw e;
        }
        return finish(work, !finished);
    }

    /// All steps and evaluations; false if it was stopped between steps.
    private boolean toTheEnd(Work work) {
        if (step == 0) {
            measureBefore(work);
        } else if (evaluating.dueAfter(step) && !log.hasEvaluation(step)) {
            evaluate(work); // which was stopped, after the step
        }
        while (step < info.totalSteps()) {
            if (!advance(work)) {
                return false;
            }
            afterStep(work);
        }
        if (evaluatedAt != step) {
            evaluate(work);
        }
        return true;
    }

    /// Rewards failed, through no fault of the steps before: their work is kept.
    private void keepSteps(Work work) {
        if (step > 0 && savedAt != step) {
            save(work);
            LOG.info("step {} was saved; resume: true goes on from there", step);
        }
    }

    /// One step; false if it was stopped before the weights changed.
    private boolean advance(Work work) {
        if (context.stop().requested()) {
            return false;
        }
        try (var _ = context.clock().enter("train")) {
            Optional<StepReport> report = updates.run(step, learningRate(step), work);
            if (report.isEmpty()) {
                return false;
            }
            work.updated(step);
            step++;
            log.count(report.get());
            memory.afterStep();
            return true;
        }
    }

    private void afterStep(Work work) {
        context.listeners().forEach(l -> l.onStep(step, log.tokensHere(), context.clock()));
        boolean last = step == info.totalSteps();
        boolean first = step == 1 && config.log().loggingFirstStep();
        if (logging.dueAfter(step) || first || (last && !logging.isNever())) {
            log.step(step, updates.gradientNorm(), learningRate(step - 1), epoch(), trainSeconds());
        }
        if (evaluating.dueAfter(step)) {
            evaluate(work);
        }
        if (saving.dueAfter(step) || (last && !saving.isNever())) {
            save(work);
        }
    }

    private void evaluate(Work work) {
        try (var _ = context.clock().enter("evaluate")) {
            long start = System.nanoTime();
            lastEvaluation = work.evaluate();
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

    /// What a checkpoint knows later.
    private void measureBefore(Work work) {
        evaluate(work);
        heldoutBefore = new LinkedHashMap<>();
        if (!lastEvaluation.isEmpty()) {
            heldoutBefore.putAll(lastEvaluation.getFirst().metrics());
        }
    }

    private void save(Work work) {
        try (var _ = context.clock().enter("save")) {
            store.save(state(), info.totalSteps(), epoch(), folder -> writeFiles(work, folder));
            savedAt = step;
        }
    }

    private void writeFiles(Work work, Path folder) throws IOException {
        context.model().write(folder);
        updates.save(folder);
        work.save(folder);
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
        requireSameRun(checkpoint);
        updates.restore(checkpoint);
        work.restore(checkpoint.folder());
        RunState state = checkpoint.state();
        step = state.step();
        firstStep = step;
        savedAt = step;
        heldoutBefore = state.heldoutBefore();
        log.restore(state);
        context.listeners().forEach(l -> l.onResume(checkpoint.folder()));
        LOG.info("resumed from {} at step {} of {}", checkpoint.folder(), step, info.totalSteps());
    }

    /// The same run, which may have become longer.
    private void requireSameRun(Checkpoint checkpoint) {
        List<String> changes = checkpoint.requireSameRun(identity, Fingerprints.LENGTH);
        int done = checkpoint.state().step();
        if (info.totalSteps() < done) {
            throw new CheckpointException(
                    "%s has %d steps, more than the %d of this run; raise max_steps or num_train_epochs, or resume from an earlier checkpoint"
                            .formatted(checkpoint.folder(), done, info.totalSteps()));
        }
        if (!changes.isEmpty()) {
            LOG.info(
                    "{}: from step {} on the learning rate follows the {} schedule of {} steps",
                    String.join(", ", changes),
                    done + 1,
                    ConfigNames.wireName(config.schedule().lrSchedulerType()),
                    info.totalSteps());
        }
    }

    private RunSummary finish(Work work, boolean interrupted) {
        if (interrupted) {
            LOG.info("stopped after step {} of {}", step, info.totalSteps());
            if (step > 0 && savedAt != step) {
                save(work);
            }
        } else {
            log.totals(step, step - firstStep, epoch(), trainSeconds());
            writeResult();
        }
        RunSummary summary = summary(work, interrupted);
        context.listeners().forEach(l -> l.onEnd(summary));
        return summary;
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
        double seconds = trainSeconds();
        Optional<RunSummary.Heldout> heldout = Optional.empty();
        if (!lastEvaluation.isEmpty()) {
            HeldOutMeans report = lastEvaluation.getFirst();
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
                seconds > 0 ? log.tokensHere() / seconds : 0,
                ProcessMemory.peakBytes());
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

    private double learningRate(int at) {
        return config.optimizer().learningRate() * schedule.factor(at);
    }

    private double trainSeconds() {
        return context.clock().wholeSeconds("train");
    }

    private double epoch() {
        return (double) step / info.stepsPerEpoch();
    }
}
