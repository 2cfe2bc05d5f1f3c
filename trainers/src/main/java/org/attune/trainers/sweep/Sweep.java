package org.attune.trainers.sweep;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.report.MetricsFile;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// Runs with different values of some keys, one after the other, until as many were made as the
/// plan says. What has ended stands in a journal, so a sweep that was stopped goes on.
@Api(EXPERIMENTAL)
public final class Sweep {
    /// Name of the journal in a sweep's folder.
    public static final String JOURNAL = SweepJournal.NAME;

    private static final int IN_A_ROW = 3;

    private final SweepPlan plan;
    private final Path folder;
    private final String study;
    private final String usualMetric;
    private Optional<String> metric;
    private int failures;

    /// @param folder for the journal and the trials' folders
    /// @param study tells this sweep from others: a folder with another's journal is refused
    /// @param usualMetric the held-out metric, as far as it is known before a run has ended; used
    ///     where the plan names none
    public Sweep(SweepPlan plan, Path folder, String study, String usualMetric) {
        this.plan = plan;
        this.folder = folder;
        this.study = study;
        this.usualMetric = usualMetric;
        metric = plan.metric();
    }

    /// A run to be made.
    ///
    /// @param number from 0
    /// @param values by key
    /// @param folder its `output_dir`
    /// @param resume whether it was begun, and goes on from its newest checkpoint
    public record Trial(int number, Map<String, Double> values, Path folder, boolean resume) {}

    /// Makes runs.
    @FunctionalInterface
    public interface Trials {
        /// Trains, and evaluates at the end.
        ///
        /// @param stop by which the trial is given up
        /// @param watch must hear of its evaluations
        /// @return whether it came to its end; if not, and it was not given up, the sweep ends too
        /// @throws AttuneException if the run failed, which three trials in a row may not
        boolean train(Trial trial, StopSignal stop, TrainingListener watch);

        /// Looks at the first trial before anything is trained, so that a wrong key costs nothing.
        default void check(Trial trial) {}

        /// Hears of a run that failed.
        default void failed(Trial trial, AttuneException failure) {}
    }

    /// What came out.
    ///
    /// @param metric that was compared
    /// @param trials all, in the order in which they were made
    /// @param ranked those with a result, the best first
    public record Result(String metric, List<SweepTrial> trials, List<SweepTrial> ranked) {
        public Result {
            trials = List.copyOf(trials);
            ranked = List.copyOf(ranked);
        }
    }

    /// Makes the trials that are missing.
    ///
    /// @return empty if the sweep was stopped
    /// @throws ConfigException if the folder holds another sweep, or nothing is measured
    public Optional<Result> run(Trials runs) {
        String wanted = metric.orElse(usualMetric);
        boolean smaller = SweepOutcome.isSmallerBetter(wanted);
        SweepJournal journal = SweepJournal.open(folder, study, smaller);
        var search = new SweepSearch(plan, smaller);
        runs.check(new Trial(0, search.next(0, List.of()), folder(0), false));
        metric = metric.or(() -> measured(journal));
        metric.ifPresent(journal::compares);
        for (SweepTrial trial : journal.trials()) {
            if (trial.state() == SweepTrial.State.RUNNING
                    && !complete(runs, journal, trial, smaller)) {
                return Optional.empty();
            }
        }
        while (journal.trials().size() < plan.trials()) {
            List<SweepTrial> before = journal.trials();
            Map<String, Double> values = search.next(before.size(), before);
            if (!complete(runs, journal, journal.begin(values, plan.ranges()), smaller)) {
                return Optional.empty();
            }
        }
        List<SweepTrial> all = journal.trials();
        return Optional.of(new Result(metric.orElse(wanted), all, search.ranked(all)));
    }

    /// A trial's folder, which has the number that people call it by: they begin at 1.
    public Path folder(int number) {
        return folder(folder, number);
    }

    static Path folder(Path sweep, int number) {
        int first = Files.isDirectory(sweep.resolve("trial-000")) ? 0 : 1; // as sweeps once began
        return sweep.resolve("trial-%03d".formatted(number + first));
    }

    /// What a folder says of its sweep, which may be under way, for JSON: `metric` (null before a
    /// trial has told it), `smaller_is_better`, `keys` whose values differ, `best` (a trial's
    /// number, or null), and `trials`. A trial has `number` from 1 on, `folder`, `state` (running,
    /// finished, given up, failed), `values` by key, `result` (a number or null) and `line`: pairs
    /// of a step and what was measured there on held-out rows.
    ///
    /// @return empty if the folder has no journal
    /// @throws ConfigException if it can't be read
    public static Optional<Map<String, Object>> told(Path folder) {
        return SweepReport.of(folder);
    }

    /// The metric by which the trials of an earlier call were compared.
    private Optional<String> measured(SweepJournal journal) {
        return journal.trials().stream()
                .filter(trial -> trial.state() == SweepTrial.State.COMPLETE)
                .findFirst()
                .map(trial -> SweepOutcome.of(folder(trial.number()), metric).metric());
    }

    /// Makes a trial, or the rest of it.
    ///
    /// @return whether the sweep may go on
    private boolean complete(Trials runs, SweepJournal journal, SweepTrial trial, boolean smaller) {
        if (!trial.values().keySet().equals(plan.ranges().keySet())) {
            end(journal, trial, SweepTrial.State.FAILED); // a crash cut its values
            return true;
        }
        Path own = folder(trial.number());
        boolean started = Files.exists(own.resolve(MetricsFile.NAME));
        var made = new Trial(trial.number(), trial.values(), own, started);
        var stop = new StopSignal();
        var watch =
                new SweepWatch(
                        stop,
                        plan.prune() ? Optional.of(new MedianRule(smaller)) : Optional.empty(),
                        metric,
                        journal.trials());
        try {
            if (!runs.train(made, stop, watch) && !watch.gaveUp()) {
                return false;
            }
        } catch (ConfigException e) {
            throw e;
        } catch (AttuneException e) {
            runs.failed(made, e);
            end(journal, trial, SweepTrial.State.FAILED);
            if (++failures == IN_A_ROW) {
                throw e; // one that diverges is a bad trial; several are a fault of the run
            }
            return true;
        }
        failures = 0;
        ended(journal, trial, watch.gaveUp(), smaller);
        return true;
    }

    private static void end(SweepJournal journal, SweepTrial trial, SweepTrial.State state) {
        journal.end(trial, state, OptionalDouble.empty(), Map.of());
    }

    private void ended(SweepJournal journal, SweepTrial trial, boolean gaveUp, boolean smaller) {
        SweepOutcome outcome = SweepOutcome.of(folder(trial.number()), metric);
        metric = Optional.of(outcome.metric());
        if (SweepOutcome.isSmallerBetter(outcome.metric()) != smaller) {
            throw new ConfigException(
                    "sweep: the run measures %s; set metric: %s in the block sweep, and another output_dir"
                            .formatted(outcome.metric(), outcome.metric()));
        }
        journal.compares(outcome.metric());
        SweepTrial.State state = gaveUp ? SweepTrial.State.PRUNED : outcome.state();
        journal.end(
                trial,
                state,
                state == SweepTrial.State.COMPLETE ? outcome.result() : OptionalDouble.empty(),
                outcome.steps());
    }
}
