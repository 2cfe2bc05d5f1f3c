package org.attune.trainers.grpo;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.trainers.grpo.Normaliser.MicroBatchSize;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.step.RowAt;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The tokens of a step that a [TokenChoice] picks, micro-batch by micro-batch. It picks when all
/// completions were noted.
final class ChosenTokens {
    private final GroupStep step;
    private final List<RowAt<RolloutRow>> rows;
    private final CompletionLogProbs[] scores;
    private final double[][] entropies;
    private int noted;
    private final Map<RowAt<RolloutRow>, boolean[]> chosen = new HashMap<>();

    /// @param rows all completions of the step
    ChosenTokens(GroupStep step, List<RowAt<RolloutRow>> rows) {
        this.step = step;
        this.rows = rows;
        scores = new CompletionLogProbs[rows.size()];
        entropies = new double[rows.size()][];
    }

    /// Whether the loss chooses tokens at all.
    boolean areNeeded() {
        return step.loss().choice().isPresent();
    }

    /// Takes a group's numbers.
    void note(List<RowAt<RolloutRow>> group, CompletionForest forest, Measurement measured) {
        for (int i = 0; i < group.size(); i++) {
            TargetRange range = forest.completions().get(i);
            int place = group.get(i).position();
            scores[place] = group.get(i).row().scores(range.of(measured.tokenLogProbs()));
            entropies[place] = range.of(measured.statistic(HeadStatistic.ENTROPY));
            noted++;
        }
        if (noted == scores.length) {
            choose();
        }
    }

    private void choose() {
        int from = 0;
        for (int m = 0; m < step.sizes().size(); m++) {
            int to = from + step.sizes().get(m).rows();
            var draws =
                    RandomSource.XO_SHI_RO_256_PP.create(
                            new long[] {
                                step.config().training().seed(), step.number(), m, 0x434f56
                            });
            List<boolean[]> picked =
                    step.loss()
                            .choice()
                            .orElseThrow()
                            .of(
                                    Arrays.asList(scores).subList(from, to),
                                    Arrays.asList(entropies).subList(from, to),
                                    draws);
            for (int i = from; i < to; i++) {
                chosen.put(rows.get(i), picked.get(i - from));
            }
            from = to;
        }
    }

    CompletionLogProbs chosen(RowAt<RolloutRow> placed, CompletionLogProbs scores) {
        return areNeeded() ? scores.withChosen(chosen.get(placed)) : scores;
    }

    /// What a token that the bonus is for has of the mean entropy, in the step's loss.
    double entropyShare(int microBatch) {
        MicroBatchSize size = step.sizes().get(microBatch);
        double tokens = size.tokens();
        if (isOfEntropy()) {
            tokens = 0;
            for (RowAt<RolloutRow> placed : rows) {
                boolean own = placed.microBatch() == microBatch;
                for (boolean one : own ? chosen.get(placed) : new boolean[0]) {
                    tokens += one ? 1 : 0;
                }
            }
        }
        return 1 / (Math.max(1, tokens) * size.accumulation());
    }

    private boolean isOfEntropy() {
        return step.loss().choice().filter(TokenChoice.TopEntropy.class::isInstance).isPresent();
    }

    /// 1 where the bonus is for a token, else 0.
    double forEntropy(CompletionLogProbs row, int t) {
        return isOfEntropy() && !row.isChosen(t) ? 0 : row.mask()[t];
    }

    double[] forEntropy(CompletionLogProbs row) {
        double[] all = new double[row.tokens()];
        Arrays.setAll(all, t -> forEntropy(row, t));
        return all;
    }
}
