package org.attune.trainers.loop;

import org.attune.checkpoint.RunState;
import org.attune.ranks.Collective;
import org.attune.ranks.RankTimes;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// The log of a run: counters since its start, means since the last log, everything logged so far.
/// It is saved with a checkpoint and comes back from it.
final class RunLog {
    private final List<TrainingListener> listeners;
    private final Collective ranks;
    private RankTimes timesLogged;
    private final MetricMeans pending = new MetricMeans();
    private final List<Map<String, Object>> history = new ArrayList<>();
    private final Map<String, Double> counters = new LinkedHashMap<>();
    private long tokens;
    private long tokensAtStart;
    private long tokensLogged;
    private int stepsPending;
    private double secondsLogged;
    private double lossSum;

    /// @param ranks tell how long they waited, where there are several
    RunLog(List<TrainingListener> listeners, Collective ranks) {
        this.listeners = listeners;
        this.ranks = ranks;
        timesLogged = ranks.times();
    }

    /// Counts a finished step.
    void count(StepReport report) {
        tokens += report.tokens();
        stepsPending++;
        lossSum += report.loss();
        pending.add(MetricKeys.LOSS, report.loss());
        report.microBatches().forEach(pending::add);
        pending.addSums(report.sums());
        counters.putAll(report.counters());
    }

    /// Tells the means since the last log.
    ///
    /// @param step steps done
    /// @param gradientNorm of the last step, before clipping
    /// @param learningRate of the last step
    /// @param epoch passes over the data
    /// @param seconds time spent in steps so far
    void step(int step, double gradientNorm, double learningRate, double epoch, double seconds) {
        Map<String, Double> means = pending.means();
        Map<String, Object> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, means.remove(MetricKeys.LOSS));
        metrics.put(MetricKeys.GRAD_NORM, gradientNorm);
        metrics.put(MetricKeys.LEARNING_RATE, learningRate);
        metrics.putAll(means);
        metrics.putAll(counters);
        metrics.put(MetricKeys.NUM_TOKENS, tokens);
        metrics.put(MetricKeys.EPOCH, epoch);
        double elapsed = Math.max(1e-9, seconds - secondsLogged);
        metrics.put(MetricKeys.TOKENS_PER_SECOND, (tokens - tokensLogged) / elapsed);
        metrics.put(MetricKeys.STEP_TIME, elapsed / Math.max(1, stepsPending));
        stepsPending = 0;
        tokensLogged = tokens;
        secondsLogged = seconds;
        if (ranks.size() > 1) {
            metrics.put(MetricKeys.RANKS_WAIT, waitSeconds());
        }
        pending.clear();
        remember(step, metrics);
        listeners.forEach(l -> l.onLog(step, metrics));
    }

    /// Mean over the processes of the time since the last log in which they waited for others.
    private double waitSeconds() {
        RankTimes now = ranks.times();
        double own = now.since(timesLogged).waitSeconds();
        timesLogged = now;
        double sum = 0;
        for (double[] theirs : ranks.allGather("waiting times", own)) {
            sum += theirs[0];
        }
        return sum / ranks.size();
    }

    /// Tells the result of an evaluation.
    void evaluation(int step, List<HeldOutMeans> reports, double epoch, double seconds) {
        Map<String, Object> metrics = new LinkedHashMap<>();
        reports.forEach(report -> metrics.putAll(report.prefixed()));
        metrics.put(MetricKeys.EVAL_PREFIX + MetricKeys.NUM_TOKENS, tokens);
        metrics.put(MetricKeys.EVAL_RUNTIME, seconds);
        metrics.put(MetricKeys.EPOCH, epoch);
        remember(step, metrics);
        listeners.forEach(l -> l.onEvaluate(step, metrics));
    }

    /// Tells the totals of a finished run.
    ///
    /// @param steps steps done by this process
    void totals(int step, int steps, double epoch, double seconds) {
        Map<String, Object> totals = new LinkedHashMap<>();
        totals.put(MetricKeys.TRAIN_RUNTIME, seconds);
        if (steps > 0) {
            totals.put(MetricKeys.TRAIN_STEPS_PER_SECOND, steps / seconds);
        }
        totals.put(MetricKeys.TRAIN_LOSS, lossSum / step);
        totals.put(MetricKeys.EPOCH, epoch);
        remember(step, totals);
        listeners.forEach(l -> l.onTotals(step, totals));
    }

    private void remember(int step, Map<String, Object> metrics) {
        Map<String, Object> entry = new LinkedHashMap<>(metrics);
        entry.put(MetricKeys.STEP, step);
        history.add(entry);
    }

    /// Whether an evaluation after this step was told.
    boolean hasEvaluation(int step) {
        return history.stream()
                .filter(
                        entry ->
                                entry.get(MetricKeys.STEP) instanceof Number n
                                        && n.intValue() == step)
                .anyMatch(
                        entry ->
                                entry.keySet().stream()
                                        .anyMatch(k -> k.startsWith(MetricKeys.EVAL_PREFIX)));
    }

    /// A metric of the last evaluation after a step; empty if there is none.
    OptionalDouble evaluated(int step, String key) {
        return history.reversed().stream()
                .filter(
                        entry ->
                                entry.get(MetricKeys.STEP) instanceof Number n
                                        && n.intValue() == step)
                .filter(entry -> entry.get(key) instanceof Number)
                .mapToDouble(entry -> ((Number) entry.get(key)).doubleValue())
                .findFirst();
    }

    /// Entries so far, those before the checkpoint included.
    int entries() {
        return history.size();
    }

    /// Tokens of this process's steps.
    long tokensHere() {
        return tokens - tokensAtStart;
    }

    RunState state(int step, Map<String, Double> heldoutBefore, Map<String, String> identity) {
        return new RunState(
                step, tokens, lossSum, pending.snapshot(), heldoutBefore, identity, history);
    }

    void restore(RunState state) {
        tokens = state.tokens();
        tokensAtStart = tokens;
        tokensLogged = tokens;
        lossSum = state.lossSum();
        pending.restore(state.pending());
        history.addAll(state.logHistory());
    }
}
