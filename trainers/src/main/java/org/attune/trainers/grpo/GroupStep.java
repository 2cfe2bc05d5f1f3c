package org.attune.trainers.grpo;

import org.attune.policy.HeadRequest;
import org.attune.trainers.grpo.Normaliser.MicroBatchSize;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.step.GroupQuestion;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepObjective;

import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/// What a step learns from its completions.
///
/// @param loss what is minimised
/// @param number of the step, from 0
/// @param sizes of the micro-batches
/// @param entropy weighs the entropy bonus; it hears of the step's entropy
/// @param tokens of prompts and completions that were generated for the step
/// @param comparesSampler whether the sampler's log-probabilities should be the policy's
/// @param origins where a prompt comes from
record GroupStep(
        GroupRun config,
        GroupLoss loss,
        int number,
        List<MicroBatchSize> sizes,
        EntropyControl entropy,
        long tokens,
        boolean comparesSampler,
        IntFunction<String> origins)
        implements StepObjective<RolloutRow, CompletionForest> {
    GroupStep {
        sizes = List.copyOf(sizes);
    }

    private HeadRequest request() {
        return GroupLosses.request(config, entropy.applied() != 0);
    }

    @Override
    public List<int[]> sequences(RolloutRow row) {
        return row.tokens().sequences();
    }

    @Override
    public int tokens(RolloutRow row) {
        return row.tokens().length();
    }

    /// Completions of a prompt are computed together.
    @Override
    public Optional<Object> together(RolloutRow row) {
        return Optional.of(row.prompt());
    }

    @Override
    public CompletionForest layout(List<RolloutRow> rows, boolean shares) {
        return CompletionForest.of(rows.stream().map(RolloutRow::tokens).toList(), shares);
    }

    @Override
    public GroupQuestion ask(List<RowAt<RolloutRow>> group, CompletionForest forest) {
        return GroupQuestion.of(
                request()
                        .within(
                                CompletionForest.drawable(
                                        group.stream().map(r -> r.row().tokens()).toList())));
    }

    @Override
    public GroupSums open(List<RowAt<RolloutRow>> rows, int microBatches) {
        return new GroupSums(this, rows);
    }
}
