package org.attune.reward.builtin;

import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;

/// The length reward of Kimi k1.5 ([Kimi Team 2025, §2.3.3](https://arxiv.org/abs/2501.12599)): of
/// one prompt's completions the shortest gets most, and a wrong one never more than 0.
/// ```
/// λ = 1/2 − (length − shortest) / (longest − shortest),    right: λ,    wrong: min(0, λ)
/// ```
/// It is 0 where all are equally long. Lengths are in tokens.
///
/// @param name in metrics
/// @param correct says which completions are right: those that it gives 1 or more
record GroupLengthReward(String name, RewardFunction correct) implements RewardFunction {
    static RewardFunction of(String name, Parameters parameters) {
        String correct = parameters.text("correct", "exact_answer");
        parameters.check();
        return new GroupLengthReward(name, BuiltinRewards.create(correct, Map.of()));
    }

    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
        List<OptionalDouble> right = correct.score(batch);
        List<OptionalDouble> rewards = new ArrayList<>();
        int end;
        for (int start = 0; start < batch.size(); start = end) {
            end = start + 1;
            while (end < batch.size()
                    && batch.prompts().get(end).equals(batch.prompts().get(start))) {
                end++;
            }
            group(batch, start, end, right, rewards);
        }
        return rewards;
    }

    private static void group(
            RewardBatch batch,
            int start,
            int end,
            List<OptionalDouble> right,
            List<OptionalDouble> rewards) {
        int shortest = Integer.MAX_VALUE;
        int longest = 0;
        for (int i = start; i < end; i++) {
            shortest = Math.min(shortest, length(batch, i));
            longest = Math.max(longest, length(batch, i));
        }
        for (int i = start; i < end; i++) {
            double share =
                    longest == shortest
                            ? 0.5
                            : (double) (length(batch, i) - shortest) / (longest - shortest);
            double value = 0.5 - share;
            rewards.add(
                    right.get(i).isEmpty()
                            ? OptionalDouble.empty()
                            : OptionalDouble.of(
                                    right.get(i).getAsDouble() >= 1 ? value : Math.min(0, value)));
        }
    }

    private static int length(RewardBatch batch, int completion) {
        return batch.completions().get(completion).tokens().length;
    }

    @Override
    public boolean wholeRound() {
        return true;
    }

    @Override
    public Set<String> requiredColumns() {
        return correct.requiredColumns();
    }

    @Override
    public Set<String> usedColumns() {
        return correct.usedColumns();
    }

    @Override
    public String content() {
        return correct.content();
    }
}
