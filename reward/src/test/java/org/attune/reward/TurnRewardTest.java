package org.attune.reward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.Turn;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// Rewards of turns, by functions and by environments.
class TurnRewardTest {
    private static Completion episode(EndReason end, double... rewards) {
        List<Turn> turns = new ArrayList<>();
        for (double reward : rewards) {
            turns.add(
                    new Turn(
                            new int[] {1},
                            new float[1],
                            true,
                            Optional.empty(),
                            List.of(),
                            List.of(),
                            new int[0],
                            reward));
        }
        var episode =
                new Episode(
                        new EpisodeStart(new EpisodeId(0, 0), Map.of(), 0, 0, 0),
                        List.of(),
                        new int[] {1},
                        turns,
                        end,
                        Map.of("Game", OptionalDouble.of(10)),
                        Map.of());
        return new Completion("", new int[] {1}, List.of(), Optional.of(episode));
    }

    private static RewardTable score(TurnReward reward, Completion... completions) {
        var prompts = java.util.Collections.nCopies(completions.length, new Prompt("", List.of()));
        try (var scorer =
                new RewardScorer(
                        List.of(WeightedReward.of(reward.named("turns"))),
                        RewardLimits.defaults())) {
            return scorer.score(new RewardBatch(prompts, List.of(completions), Map.of()));
        }
    }

    @Test
    void anEpisodesRewardIsTheSumOfItsTurns() {
        TurnReward index =
                row ->
                        row.completion()
                                .episode()
                                .map(
                                        e -> {
                                            double[] values = new double[e.turns().size()];
                                            for (int t = 0; t < values.length; t++) {
                                                values[t] = t + 1;
                                            }
                                            return values;
                                        });
        RewardTable table =
                score(
                        index,
                        episode(EndReason.ANSWERED, 0, 0, 0),
                        new Completion("", new int[] {1}, List.of()),
                        episode(EndReason.ANSWERED, 0));
        assertArrayEquals(new double[] {6, Double.NaN, 1}, table.column(0));
        assertArrayEquals(new double[] {1, 2, 3}, table.split("turns", 0).orElseThrow());
        assertEquals(Optional.empty(), table.split("turns", 1));
    }

    @Test
    void asManyRewardsAsTurnsAreNeeded() {
        RewardTable table =
                score(_ -> Optional.of(new double[] {1, 2}), episode(EndReason.ANSWERED, 0));
        assertArrayEquals(new double[] {Double.NaN}, table.column(0));
        String example = table.failures().getFirst().example();
        assertTrue(example.contains("2 rewards for the 1 turns"), example);
    }

    @Test
    void whatAnEnvironmentGivesTurnsIsKeptByTurn() {
        List<Completion> completions =
                List.of(episode(EndReason.ANSWERED, 1, 2), episode(EndReason.FAILED, 5));
        RewardTable functions =
                RewardTable.of(List.of("f"), new double[] {1}, new double[][] {{0}, {0}});
        RewardTable joined = EpisodeRewards.joined(functions, completions);
        assertArrayEquals(new double[] {13, Double.NaN}, joined.column(1));
        assertArrayEquals(new double[] {1, 2}, joined.split("Game", 0).orElseThrow());
        assertEquals(Optional.empty(), joined.split("Game", 1));
    }
}
