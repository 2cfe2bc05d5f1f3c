package org.attune.trainers.referencefree;

import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.layout.ImitationForest;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.MetricMeans;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.numerics.Dual;
import org.attune.trainers.rows.RowValues;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The pairs of a step or an evaluation, group by group, and what follows for loss, gradients and
/// metrics.
///
/// The step's loss is the mean over its micro-batches. A micro-batch's is the mean of its pairs'
/// losses, plus the weight times the mean over its imitated tokens of their negative
/// log-likelihood.
final class ImitationSums implements StepSums<ImitationPair, ImitationForest> {
    private final ImitationObjective objective;
    private final PairLoss loss;
    private final List<RowAt<ImitationPair>> rows;
    private final List<ImitationBatch> microBatches = new ArrayList<>();
    private final RowValues found = new RowValues();
    private long tokens;

    /// @param rows all pairs
    /// @param count number of logical micro-batches
    ImitationSums(ImitationObjective objective, List<RowAt<ImitationPair>> rows, int count) {
        this.objective = objective;
        this.loss = objective.loss();
        this.rows = rows;
        for (int m = 0; m < count; m++) {
            microBatches.add(new ImitationBatch());
        }
        for (RowAt<ImitationPair> row : rows) {
            ImitationBatch m = microBatches.get(row.microBatch());
            m.pairs++;
            m.imitatedTokens += row.row().imitated().trainedTokens();
        }
    }

    @Override
    public HeadSlopes add(
            List<RowAt<ImitationPair>> group,
            ImitationForest forest,
            Measurement policy,
            List<double[]> reference) {
        float[] slopes = new float[forest.forest().targetCount()]; // (M)
        for (int i = 0; i < group.size(); i++) {
            RowAt<ImitationPair> row = group.get(i);
            ImitationBatch m = microBatches.get(row.microBatch());
            TargetRange chosen = forest.chosen().get(i);
            TargetRange rejected = forest.rejected().get(i);
            TargetRange imitated = forest.imitated().get(i);
            double logChosen = logProb(chosen, policy);
            double logRejected = logProb(rejected, policy);
            Dual value = loss.loss(Dual.chosen(logChosen), Dual.rejected(logRejected));
            double nll = -Arrays.stream(imitated.of(policy.tokenLogProbs())).sum();
            FiniteLoss.require(
                    value.value() + (objective.weight() == 0 ? 0 : nll), row.row().origins());
            m.loss += value.value();
            m.nll += nll;
            m.add(loss, logChosen, logRejected);
            found.pair(row.position(), loss.reward(logChosen), loss.reward(logRejected));
            m.addTokens(policy, chosen, rejected);
            if (row.row().third()) {
                m.addThird(policy, imitated);
            }
            double share = 1.0 / m.pairs / microBatches.size();
            plus(slopes, chosen, share * value.byChosen() / length(chosen));
            plus(slopes, rejected, share * value.byRejected() / length(rejected));
            double each = objective.weight() / m.imitatedTokens() / microBatches.size();
            plus(slopes, imitated, -each);
            tokens += row.row().length();
        }
        return HeadSlopes.of(slopes);
    }

    /// `ℓ` of a completion.
    private double logProb(TargetRange range, Measurement policy) {
        return Arrays.stream(range.of(policy.tokenLogProbs())).sum() / length(range);
    }

    /// What the sum over a completion's tokens is divided by.
    private double length(TargetRange range) {
        return loss.averages() ? Math.max(1, range.size()) : 1;
    }

    private static void plus(float[] slopes, TargetRange range, double slope) {
        for (int t = range.start(); t < range.end(); t++) {
            slopes[t] += (float) slope;
        }
    }

    @Override
    public void measureMore(Scorer policy) {
        objective
                .paddedLogits()
                .ifPresent(
                        logits ->
                                logits.measure(
                                        rows,
                                        row -> row.pair().sequences(),
                                        policy,
                                        (row, sums, positions) ->
                                                microBatches
                                                        .get(row.microBatch())
                                                        .addLogits(sums, positions)));
    }

    @Override
    public StepReport step() {
        double total = 0;
        List<Map<String, Double>> metrics = new ArrayList<>();
        for (ImitationBatch m : microBatches) {
            total += m.loss(objective.weight()) / microBatches.size();
            metrics.add(metrics(m));
        }
        return new StepReport(total, metrics, tokens);
    }

    @Override
    public List<Map<String, Double>> evaluatedRows() {
        return found.inOrder();
    }

    /// An evaluation whose batches are the micro-batches: the loss is the mean of the batches',
    /// weighted by pairs, the other metrics are plain means of the batches', all as in TRL.
    @Override
    public Map<String, Double> evaluation() {
        double total = 0;
        double preferred = 0;
        int count = 0;
        var means = new MetricMeans();
        for (ImitationBatch m : microBatches) {
            total += m.loss(objective.weight()) * m.pairs;
            preferred += m.right + m.ties / 2;
            count += m.pairs;
            means.add(metrics(m));
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, total / count);
        metrics.putAll(means.means());
        metrics.put(MetricKeys.PREFERENCE_ACCURACY, preferred / count);
        return metrics;
    }

    private Map<String, Double> metrics(ImitationBatch m) {
        Map<String, Double> metrics = m.metrics();
        metrics.put(MetricKeys.NLL_LOSS, objective.weight() == 0 ? 0 : m.nll / m.imitatedTokens());
        return metrics;
    }
}
