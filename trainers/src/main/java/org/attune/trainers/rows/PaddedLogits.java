package org.attune.trainers.rows;

import org.attune.error.ConfigException;
import org.attune.error.StopRequest;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.policy.TokenBudget;
import org.attune.tensor.TensorScope;
import org.attune.trainers.layout.PaddedForest;
import org.attune.trainers.step.RowAt;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Logits over padded batches, those at prompts and at padding included: what some of TRL's
/// trainers log as `logits/chosen` and `logits/rejected`. They cost one more forward pass.
///
/// @param padId the token that pads
/// @param statistic what is summed at each position: the mean logit, or the sum of all
/// @param unseen how many of the last positions of each sequence are left out
/// @param budget tokens computed at once
public record PaddedLogits(int padId, HeadStatistic statistic, int unseen, TokenBudget budget) {
    /// The padded logits that `trl_compat` asks for.
    ///
    /// @param padId the tokenizer's padding token
    /// @throws ConfigException if there is none
    public static PaddedLogits of(
            OptionalInt padId, HeadStatistic statistic, int unseen, TokenBudget budget) {
        int id =
                padId.orElseThrow(
                        () ->
                                new ConfigException(
                                        "trl_compat: true measures logits at padding, but the"
                                                + " tokenizer names no padding token; set"
                                                + " trl_compat: false"));
        return new PaddedLogits(id, statistic, unseen, budget);
    }

    /// Is told what was measured of a row.
    ///
    /// @param <R> kind of row
    @FunctionalInterface
    public interface Sums<R> {
        /// @param sums of each of its sequences, over all positions
        /// @param positions how many that were
        void note(RowAt<R> row, double[] sums, int positions);
    }

    /// Measures all rows, each logical micro-batch padded to its longest sequence.
    ///
    /// @param rows of a step or an evaluation
    /// @param sequences those of a row that are measured
    public <R> void measure(
            List<RowAt<R>> rows, Function<R, List<int[]>> sequences, Scorer policy, Sums<R> sums) {
        rows.stream()
                .collect(Collectors.groupingBy(RowAt::microBatch))
                .values()
                .forEach(batch -> measureBatch(batch, sequences, policy, sums));
    }

    private <R> void measureBatch(
            List<RowAt<R>> batch, Function<R, List<int[]>> sequences, Scorer policy, Sums<R> sums) {
        List<int[]> all = new ArrayList<>();
        batch.forEach(row -> all.addAll(sequences.apply(row.row())));
        int positions = all.stream().mapToInt(ids -> ids.length).max().orElse(0) - unseen;
        double[] measured = measure(all, positions, policy);
        int from = 0;
        for (RowAt<R> row : batch) {
            int to = from + sequences.apply(row.row()).size();
            sums.note(row, Arrays.copyOfRange(measured, from, to), positions);
            from = to;
        }
    }

    private double[] measure(List<int[]> sequences, int positions, Scorer policy) {
        double[] sums = new double[sequences.size()];
        List<Integer> numbers = IntStream.range(0, sums.length).boxed().toList();
        var request = new HeadRequest(EnumSet.of(statistic), 1);
        for (List<Integer> group : budget.groups(numbers, _ -> positions)) {
            StopRequest.check();
            PaddedForest forest =
                    PaddedForest.of(group.stream().map(sequences::get).toList(), positions, padId);
            try (var _ = TensorScope.open("padded.logits")) {
                Measurement measurement = policy.measure(forest.forest(), request);
                float[] values = measurement.statistic(statistic);
                for (int i = 0; i < group.size(); i++) {
                    sums[group.get(i)] = Arrays.stream(forest.sequences().get(i).of(values)).sum();
                }
            }
        }
        return sums;
    }
}
