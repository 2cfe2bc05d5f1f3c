package org.attune.trainers.judges;

import org.attune.models.ModelSetup;
import org.attune.policy.Policy;
import org.attune.reward.RewardBatch;
import org.attune.text.Message;

import java.util.List;
import java.util.Set;

/// A model of this process that judges a finished round, on the engine thread.
public sealed interface RoundJudge extends AutoCloseable permits RewardModel, LocalJudge {
    /// Loads the weights, unless the policy's serve.
    ///
    /// @param model the policy's
    /// @param policy borrowed; it must outlive the last judgement
    void load(ModelSetup model, Policy policy);

    /// One reward per completion, `(n)`; NaN where it doesn't apply.
    double[] score(RewardBatch batch);

    /// Tells it and its way of judging apart from others.
    String identity();

    /// Columns of the data set that it can't do without.
    default Set<String> requiredColumns() {
        return Set.of();
    }

    /// Checks that the model sees all that a prompt's messages hold.
    ///
    /// @throws org.attune.error.DatasetException naming the part that its chat template leaves out
    default void requireShown(List<Message> prompt) {}

    @Override
    void close();
}
