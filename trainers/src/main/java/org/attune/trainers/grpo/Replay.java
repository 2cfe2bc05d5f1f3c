package org.attune.trainers.grpo;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.reward.GroupedRewards;
import org.attune.trainers.onpolicy.GatheredGroups;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/// Gives a round groups of earlier ones in place of those whose rewards don't differ, which would
/// teach nothing.
///
/// @param rows of the round, with what was taken from the buffer
/// @param buffer with what the round's own groups added
/// @param metrics how many groups were replaced, and how many are kept
record Replay(List<RolloutRow> rows, ReplayBuffer buffer, Map<String, Double> metrics) {
    /// Leaves a round as it is, where nothing is kept.
    static Replay none(List<RolloutRow> rows, ReplayBuffer buffer) {
        return new Replay(rows, buffer, Map.of());
    }

    /// Keeps groups that differ, then replaces the others.
    ///
    /// @param rows of the round with their advantages, group by group
    /// @param buffer before the round
    /// @param scored gives completions the log-probabilities of the policy that wrote them
    /// @param seed of the draws; they follow from it and the round's number
    static Replay of(
            List<RolloutRow> rows,
            GroupedRewards rewards,
            ReplayBuffer buffer,
            UnaryOperator<List<RolloutRow>> scored,
            long seed,
            long round) {
        int size = rewards.generations();
        List<Integer> alike = new ArrayList<>();
        ReplayBuffer kept = buffer;
        for (int g = 0; g < rows.size() / size; g++) {
            List<RolloutRow> group = rows.subList(g * size, (g + 1) * size);
            if (!GatheredGroups.differs(rewards, g)) {
                alike.add(g);
                continue;
            }
            double score = score(group, rewards, g);
            if (kept.keeps(score)) {
                kept = kept.with(new ReplayBuffer.Group(score, scored.apply(group)));
            }
        }
        var random =
                RandomSource.XO_SHI_RO_256_PP.create(new long[] {seed, round, 0x5250_4c59L, 1});
        List<ReplayBuffer.Group> drawn = kept.draw(alike.size(), random);
        List<RolloutRow> mixed = new ArrayList<>(rows);
        for (int i = 0; i < drawn.size(); i++) {
            for (int c = 0; c < size; c++) {
                mixed.set(alike.get(i) * size + c, drawn.get(i).rows().get(c));
            }
        }
        return new Replay(
                mixed,
                kept,
                Map.of(
                        "replay_buffer/replayed", (double) drawn.size(),
                        "replay_buffer/groups", (double) kept.groups().size()));
    }

    /// `Σ |A| · std(r)`, the deviation with `n − 1`.
    private static double score(List<RolloutRow> group, GroupedRewards rewards, int number) {
        double advantages = 0;
        double sum = 0;
        double squares = 0;
        int judged = 0;
        for (int i = 0; i < group.size(); i++) {
            advantages += Math.abs(group.get(i).advantage());
            double reward = rewards.table().total(number * group.size() + i);
            if (!Double.isNaN(reward)) {
                sum += reward;
                judged++;
            }
        }
        double mean = sum / judged;
        for (int i = 0; i < group.size(); i++) {
            double reward = rewards.table().total(number * group.size() + i);
            squares += Double.isNaN(reward) ? 0 : (reward - mean) * (reward - mean);
        }
        return advantages * Math.sqrt(squares / (judged - 1));
    }
}
