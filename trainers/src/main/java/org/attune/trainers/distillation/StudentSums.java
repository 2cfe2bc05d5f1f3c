package org.attune.trainers.distillation;

import org.attune.policy.HeadStatistic;
import org.attune.policy.HeadTerm;
import org.attune.policy.Measurement;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.MetricMeans;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Loss and metrics of a step or an evaluation, summed up group by group.
/// ```
/// loss = Σ over the tokens that count of D(teacher, student) / denominator
/// ```
/// or, of a model that is its own teacher, with a policy gradient of weight `1 − w` beside it,
/// ```
/// loss = mean over rows of w · the mean of D over a row's tokens + (1 − w) · −A log q
/// ```
/// or, of a teacher with another tokenizer, with the cross-entropy of weight `c` beside it,
/// ```
/// loss = mean over rows of w · the mean of the distances of a row's spans + c · −log q
/// ```
/// Where the tokens that were written are compared alone, `D` is
/// ```
/// sg(log q − log p) log q
/// ```
/// with `q` of the student and `p` of the teacher, whose gradient is in the mean that of the
/// reverse divergence. The policy gradient's loss is told as `−A`, as a ratio of probabilities has
/// it that is 1.
final class StudentSums implements StepSums<StudentRow, CompletionForest> {
    private final StudentObjective objective;
    private final double[] losses; // sums of rows' shares of the loss
    private final double[] matched; // sums of rows' means of tokens that both vocabularies have
    private final double[] unmatched; // likewise of other tokens
    private final double[] divergences;
    private final double[] policies; // means of the policy gradient's loss
    private final double[] entropies;
    private final DoubleSummaryStatistics[] advantages; // of weighted tokens
    private final DoubleSummaryStatistics[] distances; // of student and teacher
    private final DoubleSummaryStatistics[] weights;
    private final int[] counted;
    private final int[][] taught; // tokens of each teacher that count
    private final double[][] apart; // sums of divergences from each teacher
    private final int[] compared;
    private final int[] rows;
    private final Boolean[] written; // whether the student wrote a micro-batch; null: not told

    /// @param step all rows of the step
    /// @param microBatches number of logical micro-batches, ≥ 1
    StudentSums(StudentObjective objective, List<RowAt<StudentRow>> step, int microBatches) {
        this.objective = objective;
        losses = new double[microBatches];
        matched = new double[microBatches];
        unmatched = new double[microBatches];
        divergences = new double[microBatches];
        policies = new double[microBatches];
        entropies = new double[microBatches];
        advantages = statistics(microBatches);
        distances = statistics(microBatches);
        weights = statistics(microBatches);
        counted = new int[microBatches];
        int teachers = objective.teachers().models().size();
        taught = new int[microBatches][teachers];
        apart = new double[microBatches][teachers];
        compared = new int[microBatches];
        rows = new int[microBatches];
        written = new Boolean[microBatches];
        for (RowAt<StudentRow> at : step) {
            int m = at.microBatch();
            counted[m] += at.row().counted();
            taught[m][at.row().teacher()] += at.row().counted();
            compared[m] += at.row().isCompared() ? at.row().counted() : 0;
            rows[m]++;
            at.row().across().ifPresent(across -> written[m] = across.byStudent());
        }
    }

    private static DoubleSummaryStatistics[] statistics(int microBatches) {
        return Stream.generate(DoubleSummaryStatistics::new)
                .limit(microBatches)
                .toArray(DoubleSummaryStatistics[]::new);
    }

    /// Adds a group's divergences; the derivatives are by each target's divergence, or by its
    /// log-probability where that is compared or learned from.
    @Override
    public HeadSlopes add(
            List<RowAt<StudentRow>> group,
            CompletionForest forest,
            Measurement measured,
            List<double[]> reference) {
        int targets = measured.tokenLogProbs().length;
        boolean across = objective.across().isPresent();
        boolean whole = across || objective.share() > 0 && objective.divergence().isPresent();
        float[] byLogProb = new float[targets]; // (M)
        float[] byDivergence = new float[targets]; // (M)
        for (int i = 0; i < group.size(); i++) {
            RowAt<StudentRow> at = group.get(i);
            TargetRange range = forest.completions().get(i);
            double loss = 0;
            if (across) {
                loss += compareSpans(at, range, measured, byDivergence);
                loss += imitate(at, range, measured, byLogProb);
            } else if (objective.share() > 0 && at.row().isCompared()) {
                loss +=
                        whole
                                ? compare(at, range, measured, byDivergence)
                                : compareWritten(
                                        at, range, measured, reference.getFirst(), byLogProb);
            }
            if (objective.share() < 1) {
                loss += reward(at, range, byLogProb);
            }
            float[] entropy = measured.statistic(HeadStatistic.ENTROPY); // (M)
            for (int t : places(at.row(), range)) {
                entropies[at.microBatch()] += entropy[range.start() + t];
            }
            FiniteLoss.require(loss, List.of(at.row().origin()));
            losses[at.microBatch()] += loss;
        }
        return whole
                ? new HeadSlopes(byLogProb, Map.of(HeadStatistic.DIVERGENCE, byDivergence))
                : HeadSlopes.of(byLogProb);
    }

    /// The places of a completion that count.
    private static int[] places(StudentRow row, TargetRange range) {
        return IntStream.range(0, range.size()).filter(t -> !row.foreign().get(t)).toArray();
    }

    /// How much the divergence of a row's token counts.
    private double weight(StudentRow row) {
        return objective.share()
                * objective.teachers().weight(row)
                * (objective.own().isPresent() ? 1.0 / Math.max(1, row.counted()) : 1);
    }

    private double compare(
            RowAt<StudentRow> at, TargetRange range, Measurement measured, float[] slopes) {
        float[] divergence = measured.statistic(HeadStatistic.DIVERGENCE); // (M)
        double weight = weight(at.row());
        double sum = 0;
        for (int t : places(at.row(), range)) {
            sum += divergence[range.start() + t];
            slopes[range.start() + t] = (float) (weight / objective.denominator());
        }
        divergences[at.microBatch()] += sum;
        apart[at.microBatch()][at.row().teacher()] += sum;
        return weight * sum;
    }

    private double compareSpans(
            RowAt<StudentRow> at, TargetRange range, Measurement measured, float[] slopes) {
        float[] distances = measured.statistic(HeadStatistic.DIVERGENCE); // (M), at spans
        int spans = Math.max(1, at.row().across().orElseThrow().spans().count());
        double weight = objective.across().orElseThrow().weight() / spans;
        double sum = 0;
        for (int t = range.start(); t < range.end(); t++) {
            sum += distances[t];
            slopes[t] = (float) (weight / objective.denominator());
        }
        if (objective.isHybrid()) {
            HeadTerm.Matched rule = objective.across().orElseThrow().rule().matched().orElseThrow();
            double both = // at spans
                    DoubleStream.of(range.of(measured.statistic(HeadStatistic.MATCHED_DIVERGENCE)))
                            .sum();
            matched[at.microBatch()] += both / spans;
            unmatched[at.microBatch()] += (sum - rule.weight() * both) / rule.otherWeight() / spans;
        }
        return weight * sum;
    }

    /// Cross-entropy, the mean over the tokens of a micro-batch.
    private double imitate(
            RowAt<StudentRow> at, TargetRange range, Measurement measured, float[] slopes) {
        int m = at.microBatch();
        double weight =
                objective.across().orElseThrow().crossEntropy() * rows[m] / Math.max(1, counted[m]);
        double sum = 0;
        for (int t : places(at.row(), range)) {
            sum -= measured.tokenLogProbs()[range.start() + t];
            slopes[range.start() + t] -= (float) (weight / objective.denominator());
        }
        return weight * sum;
    }

    private double compareWritten(
            RowAt<StudentRow> at,
            TargetRange range,
            Measurement measured,
            double[] teacher,
            float[] slopes) {
        float[] own = measured.tokenLogProbs(); // (M)
        int[] places = places(at.row(), range);
        double[] ratios = new double[places.length];
        for (int i = 0; i < places.length; i++) {
            int place = range.start() + places[i];
            ratios[i] = own[place] - teacher[place];
        }
        double[] weighted = weighted(at.microBatch(), ratios);
        double weight = weight(at.row());
        double sum = 0;
        for (int i = 0; i < places.length; i++) {
            int place = range.start() + places[i];
            sum += weighted[i] * own[place];
            slopes[place] += (float) (weighted[i] * weight / objective.denominator());
        }
        divergences[at.microBatch()] += sum;
        apart[at.microBatch()][at.row().teacher()] += Arrays.stream(ratios).sum();
        return weight * sum;
    }

    /// Log-ratios times their weights, if they have some.
    private double[] weighted(int m, double[] ratios) {
        if (objective.weights().isEmpty()) {
            return ratios;
        }
        double[] apart = Arrays.stream(ratios).map(Math::abs).toArray();
        double[] of = objective.weights().get().of(apart);
        double[] weighted = new double[ratios.length];
        for (int i = 0; i < ratios.length; i++) {
            weighted[i] = of[i] * ratios[i];
            advantages[m].accept(-weighted[i]);
            distances[m].accept(apart[i]);
            weights[m].accept(of[i]);
        }
        return weighted;
    }

    private double reward(RowAt<StudentRow> at, TargetRange range, float[] slopes) {
        StudentRow row = at.row();
        int m = at.microBatch();
        double weight = objective.own().orElseThrow().ofToken(row.counted(), rows[m], counted[m]);
        policies[m] -= row.advantage() * row.counted() * weight;
        double factor = (1 - objective.share()) * rows[m] * weight;
        for (int t : places(row, range)) {
            slopes[range.start() + t] -=
                    (float) (row.advantage() * factor / objective.denominator());
        }
        return -row.advantage() * row.counted() * factor;
    }

    @Override
    public StepReport step() {
        double sum = 0;
        double means = Arrays.stream(rows).sum() / objective.denominator(); // that are added up
        List<Map<String, Double>> metrics = new ArrayList<>();
        for (int m = 0; m < divergences.length; m++) {
            sum += losses[m];
            Map<String, Double> own = metrics(m);
            if (written[m] != null) {
                double part = losses[m] / rows[m] * means;
                own.put(written[m] ? "on_policy_loss" : "off_policy_loss", part);
                hybrid(m, means, own);
            }
            metrics.add(own);
        }
        return new StepReport(sum / objective.denominator(), metrics, objective.tokens());
    }

    /// By the names of TRL's GOLD, which tells those of a micro-batch's last row.
    private void hybrid(int m, double means, Map<String, Double> metrics) {
        if (objective.isHybrid()) {
            metrics.put("matched_loss", matched[m] / rows[m] * means);
            if (Double.isFinite(unmatched[m])) { // it has a weight
                metrics.put("unmatched_loss", unmatched[m] / rows[m] * means);
            }
        }
    }

    private Map<String, Double> metrics(int m) {
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.ENTROPY, entropies[m] / Math.max(1, counted[m]));
        objective.own().ifPresent(own -> metrics.putAll(metrics(m, own)));
        metrics.putAll(objective.teachers().metrics(taught[m], k -> apart[m][k] / taught[m][k]));
        if (weights[m].getCount() > 0) {
            metrics.put("iw_opd/mean_advantage", advantages[m].getAverage());
            metrics.put("iw_opd/mean_abs_advantage", distances[m].getAverage());
            metrics.put("iw_opd/mean_weight", weights[m].getAverage());
            metrics.put("iw_opd/min_weight", weights[m].getMin());
            metrics.put("iw_opd/max_weight", weights[m].getMax());
        }
        return metrics;
    }

    private Map<String, Double> metrics(int m, SelfTerms own) {
        Map<String, Double> metrics = new LinkedHashMap<>();
        if (own.weight() > 0) {
            double mean = divergences[m] / Math.max(1, compared[m]);
            metrics.put(MetricKeys.SELF_DISTILLATION_LOSS, mean);
            metrics.put(own.method() + "/distillation_loss", mean);
        }
        if (own.weight() < 1) {
            metrics.put(MetricKeys.SELF_POLICY_LOSS, policies[m]);
        }
        return metrics;
    }

    /// An evaluation: the loss is the mean of the batches' means, weighted by rows, the other
    /// metrics the plain means of theirs, as in TRL.
    @Override
    public Map<String, Double> evaluation() {
        return evaluation(List.of());
    }

    /// The means of an evaluation, with metrics of generated completions among them.
    ///
    /// @param completions metrics of completions that were generated; may be empty
    Map<String, Double> evaluation(List<Map<String, Double>> completions) {
        double sum = 0;
        int count = 0;
        var all = new MetricMeans();
        completions.forEach(all::add);
        for (int m = 0; m < divergences.length; m++) {
            sum +=
                    objective.own().isPresent() || objective.across().isPresent()
                            ? losses[m]
                            : rows[m] * losses[m] / Math.max(1, counted[m]);
            count += rows[m];
            all.add(metrics(m));
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, sum / count);
        metrics.putAll(all.means());
        return metrics;
    }
}
