package org.attune.trainers.opening;

import org.attune.models.ModelSetup;
import org.attune.policy.Policy;
import org.attune.reward.CompletionScorer;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardScorer;
import org.attune.reward.RewardTable;
import org.attune.trainers.examples.PromptExample;

import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/// What judges a run's completions.
///
/// @param scorer empty: rewards recorded with the completions
/// @param check refuses rows that lack what is read
/// @param load brings what judges to memory, given the policy and what it is made of
public record Judging(
        Optional<CompletionScorer> scorer,
        Consumer<RunRows<PromptExample>> check,
        BiConsumer<ModelSetup, Policy> load) {
    /// Rewards that are recorded with the completions.
    static Judging recorded() {
        return new Judging(Optional.empty(), _ -> {}, (_, _) -> {});
    }

    /// Rewards of environments alone.
    static Judging byEnvironments() {
        return of(
                (RewardBatch batch) ->
                        RewardTable.of(List.of(), new double[0], new double[batch.size()][0]));
    }

    /// What `reward_funcs` names.
    static Judging of(RunRewards rewards) {
        return new Judging(Optional.of(rewards), rewards::requireRows, rewards::load);
    }

    /// Reward functions; the rows must have the columns that they read.
    public static Judging of(RewardScorer rewards) {
        return new Judging(
                Optional.of(rewards), rows -> ReadColumns.of(rewards).check(rows), (_, _) -> {});
    }

    /// Whatever scores completions.
    public static Judging of(CompletionScorer scorer) {
        return new Judging(Optional.of(scorer), _ -> {}, (_, _) -> {});
    }

    /// Rows that the check has nothing against.
    RunRows<PromptExample> checked(RunRows<PromptExample> rows) {
        check.accept(rows);
        return rows;
    }
}
