package org.attune.trainers.unpaired;

import org.attune.datasets.examples.UnpairedExample;
import org.attune.datasets.layout.TargetRange;
import org.attune.datasets.layout.UnpairedForest;
import org.attune.error.StopRequest;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.tensor.TensorScope;
import org.attune.trainers.batch.TokenBudget;
import org.attune.trainers.rows.RowAt;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.Collectors;

/// What TRL's `BCOTrainer` logs as `logits/chosen` and `logits/rejected`: the sum of all logits of
/// a row in its padded batch, those at the prompt and at the padding included.
///
/// @param padId the token that pads
/// @param budget tokens computed at once
record PaddedLogits(int padId, TokenBudget budget) {
    private static final HeadRequest REQUEST =
            new HeadRequest(EnumSet.of(HeadStatistic.SUM_LOGIT), 1);

    /// Notes them for all rows.
    ///
    /// @param rows of a step or an evaluation
    void measure(List<RowAt<UnpairedExample>> rows, Scorer policy, BcoSums sums) {
        rows.stream()
                .collect(Collectors.groupingBy(RowAt::microBatch))
                .values()
                .forEach(batch -> measureBatch(batch, policy, sums));
    }

    private void measureBatch(List<RowAt<UnpairedExample>> batch, Scorer policy, BcoSums sums) {
        int width = batch.stream().mapToInt(p -> p.row().length()).max().orElse(0);
        for (List<RowAt<UnpairedExample>> group : budget.groups(batch, _ -> width)) {
            StopRequest.check();
            UnpairedForest forest = UnpairedForest.padded(RowAt.rows(group), width, padId);
            try (var _ = TensorScope.open("bco.logits")) {
                Measurement measured = policy.measure(forest.forest(), REQUEST);
                for (int i = 0; i < group.size(); i++) {
                    TargetRange row = forest.completions().get(i);
                    float[] logits = measured.statistic(HeadStatistic.SUM_LOGIT);
                    sums.addLogits(group.get(i), Arrays.stream(row.of(logits)).sum(), 1);
                }
            }
        }
    }
}
