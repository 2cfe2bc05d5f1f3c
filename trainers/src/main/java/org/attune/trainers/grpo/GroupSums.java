package org.attune.trainers.grpo;

import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Loss and gradients of a step's completions, summed up group by group. Where tokens are chosen by
/// what the policy says of a whole micro-batch, and a step has several groups, these are measured
/// before any gradient is taken.
final class GroupSums implements StepSums<RolloutRow, CompletionForest> {
    private final GroupStep step;
    private final GroupLoss loss;
    private final int rows;
    private final double entropyCoefficient;
    private final StepTotals totals;
    private final ChosenTokens choices;
    private final LabelledGroups labels;

    /// @param rows all completions of the step
    GroupSums(GroupStep step, List<RowAt<RolloutRow>> rows) {
        this.step = step;
        loss = step.loss();
        this.rows = rows.size();
        entropyCoefficient = step.entropy().applied();
        totals = blank();
        choices = new ChosenTokens(step, rows);
        labels = new LabelledGroups(step, rows);
    }

    private StepTotals blank() {
        return new StepTotals(loss, step.sizes().size());
    }

    @Override
    public boolean isWhole(List<RowAt<RolloutRow>> group) {
        return (!choices.areNeeded() || group.size() == rows)
                && (!labels.areNeeded() || labels.areWhole(group));
    }

    @Override
    public HeadSlopes add(
            List<RowAt<RolloutRow>> group,
            CompletionForest forest,
            Measurement policy,
            List<double[]> reference) {
        note(group, forest, policy, reference);
        return slopes(group, forest, policy, totals);
    }

    @Override
    public void note(
            List<RowAt<RolloutRow>> group,
            CompletionForest forest,
            Measurement policy,
            List<double[]> reference) {
        if (choices.areNeeded()) {
            choices.note(group, forest, policy);
        }
        labels.note(group, forest, policy);
    }

    @Override
    public HeadSlopes slopes(
            List<RowAt<RolloutRow>> group, CompletionForest forest, Measurement policy) {
        return slopes(group, forest, policy, blank());
    }

    @Override
    public void learned(
            List<RowAt<RolloutRow>> group, CompletionForest forest, Measurement policy) {
        slopes(group, forest, policy, totals);
    }

    /// @param into takes loss and metrics
    private HeadSlopes slopes(
            List<RowAt<RolloutRow>> group,
            CompletionForest forest,
            Measurement measured,
            StepTotals into) {
        int targets = forest.forest().targetCount();
        float[] byLogProb = new float[targets]; // (M)
        float[] byEntropy = new float[targets]; // (M)
        for (int i = 0; i < group.size(); i++) {
            RowAt<RolloutRow> placed = group.get(i);
            RolloutRow row = placed.row();
            int m = placed.microBatch();
            TargetRange range = forest.completions().get(i);
            double[] entropy = range.of(measured.statistic(HeadStatistic.ENTROPY));
            CompletionLogProbs scores = scores(placed, range.of(measured.tokenLogProbs()));
            CompletionLoss.Result result = loss.completion().evaluate(scores);
            FiniteLoss.require(result.loss(), List.of(step.origins().apply(row.prompt())));
            double factor = loss.normaliser().factor(step.sizes().get(m), row.counted());
            double bonus = -entropyCoefficient * choices.entropyShare(m);
            for (int t = 0; t < range.size(); t++) {
                int target = range.start() + t;
                byLogProb[target] = (float) (factor * result.slopes()[t]);
                byEntropy[target] = (float) (bonus * choices.forEntropy(scores, t));
            }
            into.add(m, scores, result, factor, entropy);
            into.addEntropy(m, bonus, choices.forEntropy(scores), entropy);
            if (step.comparesSampler() && !row.isElsewhere()) {
                into.compareSampler(
                        m,
                        row.samplingLogProbs(),
                        scores.old().orElse(scores.policy()),
                        row.mask());
            }
        }
        return entropyCoefficient == 0
                ? HeadSlopes.of(byLogProb)
                : new HeadSlopes(byLogProb, Map.of(HeadStatistic.ENTROPY, byEntropy));
    }

    private CompletionLogProbs scores(RowAt<RolloutRow> placed, double[] policy) {
        RolloutRow row = placed.row();
        CompletionLogProbs scores = choices.chosen(placed, row.scores(policy));
        double[] weights = new double[policy.length];
        Arrays.fill(weights, 1);
        loss.offPolicy().ifPresent(mask -> mask.apply(scores, sampling(row, scores), weights));
        boolean takesRatio =
                loss.completion() instanceof GrpoObjective g
                        && g.loss() instanceof PolicyLoss.Vespo;
        if (row.samplerRatio().isPresent() && !takesRatio) {
            float[] ratio = row.samplerRatio().get();
            for (int t = 0; t < weights.length; t++) {
                weights[t] *= ratio[ratio.length == 1 ? 0 : t];
            }
        }
        loss.influence().ifPresent(influence -> multiply(weights, influence.weights(scores)));
        return labels.shared(placed, scores.withWeights(weights));
    }

    private static void multiply(double[] weights, double[] factors) {
        for (int t = 0; t < weights.length; t++) {
            weights[t] *= factors[t];
        }
    }

    /// Log-probabilities under what wrote a completion.
    private static double[] sampling(RolloutRow row, CompletionLogProbs scores) {
        return row.isElsewhere()
                ? RolloutRow.doubles(row.samplingLogProbs())
                : scores.old().orElse(scores.policy());
    }

    /// Reports the step, of whose entropy the entropy bonus hears.
    @Override
    public StepReport step() {
        List<Map<String, Double>> metrics = new ArrayList<>(totals.metrics());
        EntropyControl entropy = step.entropy();
        if (entropy.isOn()) {
            entropy.update(totals.bonusEntropy());
            metrics.add(Map.of("entropy_coef", entropy.coefficient()));
        }
        return new StepReport(totals.loss(), metrics, step.tokens());
    }

    @Override
    public Map<String, Double> evaluation() {
        throw new IllegalStateException("held-out prompts are completed and judged, not learned");
    }
}
