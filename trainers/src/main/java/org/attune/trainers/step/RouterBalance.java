package org.attune.trainers.step;

import org.attune.model.layer.ExpertLoad;
import org.attune.policy.Measurement;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.StepReport;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The loss that balances experts, of a step or an evaluation: the mean over logical micro-batches
/// of [ExpertLoad#loss] over all tokens of one, as in TRL. Groups of rows change nothing: what a
/// micro-batch's rows choose in other groups is [noted][#note] before a group is learned from.
///
/// @param <R> kind of row
final class RouterBalance<R> {
    private final double factor;
    private final StepObjective<R, ?> objective;
    private final int[] rows; // of each micro-batch
    private final ExpertLoad[] before; // of micro-batches that several groups share
    private final ExpertLoad[] loads;

    /// @param factor of the loss; 0: nothing is counted
    /// @param placed all rows
    /// @param microBatches number of logical micro-batches
    RouterBalance(
            double factor, StepObjective<R, ?> objective, List<RowAt<R>> placed, int microBatches) {
        this.factor = factor;
        this.objective = objective;
        rows = new int[microBatches];
        if (factor > 0) {
            placed.forEach(row -> rows[row.microBatch()]++);
        }
        before = none();
        loads = none();
    }

    private ExpertLoad[] none() {
        ExpertLoad[] none = new ExpertLoad[rows.length];
        Arrays.fill(none, ExpertLoad.none());
        return none;
    }

    /// Whether there is such a loss.
    boolean isOn() {
        return factor > 0;
    }

    /// Whether a group has all rows of its micro-batches.
    boolean isWhole(List<RowAt<R>> group) {
        int[] own = new int[rows.length];
        group.forEach(row -> own[row.microBatch()]++);
        return group.stream().allMatch(row -> own[row.microBatch()] == rows[row.microBatch()]);
    }

    /// Notes a group that isn't whole, before any is learned from.
    void note(List<RowAt<R>> group, Measurement said) {
        add(before, group, said);
    }

    /// Counts a group.
    void add(List<RowAt<R>> group, Measurement said) {
        if (isOn()) {
            add(loads, group, said);
        }
    }

    /// Derivatives of the step's loss by probabilities of each of the group's sequences.
    List<double[]> slopes(List<RowAt<R>> group, Measurement said) {
        ExpertLoad[] known = before;
        if (isWhole(group)) {
            known = none();
            add(known, group, said);
        }
        List<double[]> slopes = new ArrayList<>();
        for (int m : microBatches(group)) {
            double[] own = known[m].slopes();
            for (int e = 0; e < own.length; e++) {
                own[e] *= factor / rows.length;
            }
            slopes.add(own);
        }
        return slopes;
    }

    private void add(ExpertLoad[] to, List<RowAt<R>> group, Measurement said) {
        int[] microBatches = microBatches(group);
        if (microBatches.length != said.loads().size()) {
            throw new IllegalStateException(
                    "%d sequences are laid out in %d trees; with a loss of routers nothing is shared"
                            .formatted(microBatches.length, said.loads().size()));
        }
        for (int s = 0; s < microBatches.length; s++) {
            to[microBatches[s]] = to[microBatches[s]].plus(said.loads().get(s));
        }
    }

    /// Of each sequence.
    private int[] microBatches(List<RowAt<R>> group) {
        return group.stream()
                .flatMapToInt(
                        row ->
                                objective.sequences(row.row()).stream()
                                        .mapToInt(_ -> row.microBatch()))
                .toArray();
    }

    /// Adds the loss to a step's.
    StepReport added(StepReport report) {
        if (!isOn()) {
            return report;
        }
        double mean = Arrays.stream(loads).mapToDouble(ExpertLoad::loss).average().orElse(0);
        return report.withLoss(report.loss() + factor * mean).with(MetricKeys.AUX_LOSS, mean);
    }

    /// Adds the loss to an evaluation's, whose batches are the micro-batches. The mean weighs them
    /// by rows, the metric doesn't.
    Map<String, Double> added(Map<String, Double> metrics) {
        if (!isOn()) {
            return metrics;
        }
        double sum = 0;
        double weighed = 0;
        for (int m = 0; m < loads.length; m++) {
            sum += loads[m].loss();
            weighed += rows[m] * loads[m].loss();
        }
        Map<String, Double> more = new LinkedHashMap<>(metrics);
        if (metrics.containsKey(MetricKeys.LOSS)) {
            double all = Math.max(1, Arrays.stream(rows).sum());
            more.merge(MetricKeys.LOSS, factor * weighed / all, Double::sum);
        }
        more.put(MetricKeys.AUX_LOSS, sum / Math.max(1, loads.length));
        return more;
    }
}
