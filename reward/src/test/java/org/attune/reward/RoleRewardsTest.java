package org.attune.reward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

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
import java.util.SplittableRandom;

/// Advantages of roles: each against its own kind.
final class RoleRewardsTest {
    private static Turn turn(String role, int conversation, double reward) {
        return new Turn(
                new int[] {1},
                new float[1],
                true,
                Optional.empty(),
                List.of(),
                List.of(),
                new int[0],
                reward,
                Optional.empty(),
                role,
                conversation);
    }

    private static Completion completion(OptionalDouble whole, Turn... turns) {
        var start = new EpisodeStart(new EpisodeId(0, 0), Map.of(), 0, 0, 0);
        var episode =
                new Episode(
                        start,
                        List.of(),
                        new int[] {0},
                        List.of(turns),
                        EndReason.ENVIRONMENT_DONE,
                        Map.of("game", whole),
                        Map.of());
        return new Completion("", episode.completionIds(), List.of(), Optional.of(episode));
    }

    /// Each turn is one token.
    private static GroupedRewards round(int generations, List<Completion> completions) {
        int n = completions.size();
        RewardTable table =
                EpisodeRewards.joined(
                        RewardTable.of(List.of(), new double[0], new double[n][0]), completions);
        double[][] masks = new double[n][];
        int[][] turns = new int[n][];
        for (int i = 0; i < n; i++) {
            int length = completions.get(i).tokens().length;
            masks[i] = new double[length];
            turns[i] = new int[length];
            for (int t = 0; t < length; t++) {
                masks[i][t] = 1;
                turns[i][t] = t;
            }
        }
        return new GroupedRewards(
                table,
                generations,
                masks,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(turns),
                completions.stream().map(Completion::episode).toList());
    }

    private static Completion game(double white) {
        return completion(
                OptionalDouble.empty(),
                turn("white", 0, 0),
                turn("black", 1, -white),
                turn("white", 0, white));
    }

    /// White wins 2 of 3: mean 1/3, and minus that for black.
    @Test
    void whatOneWinsAnotherLoses() {
        GroupedRewards round = round(3, List.of(game(1), game(-1), game(1)));
        double[][] plain =
                new AdvantageEstimator.RoleCredit(Advantages.Scale.NONE, false)
                        .of(round)
                        .tokenValues()
                        .orElseThrow();
        assertArrayEquals(new double[] {2 / 3.0, -2 / 3.0, 2 / 3.0}, plain[0], 1e-12);
        assertArrayEquals(new double[] {-4 / 3.0, 4 / 3.0, -4 / 3.0}, plain[1], 1e-12);
        // sqrt((2 (2/3)² + (4/3)²) / 2) = 2 / sqrt(3)
        Advantages scaled =
                new AdvantageEstimator.RoleCredit(Advantages.Scale.GROUP, false).of(round);
        assertEquals(
                2 / 3.0 / (2 / Math.sqrt(3) + 1e-4),
                scaled.tokenValues().orElseThrow()[0][0],
                1e-12);
        double[][] others =
                new AdvantageEstimator.RoleCredit(Advantages.Scale.NONE, true)
                        .of(round)
                        .tokenValues()
                        .orElseThrow();
        assertArrayEquals(new double[] {1, -1, 1}, others[0], 1e-12);
        assertArrayEquals(new double[] {-2, 2, -2}, others[1], 1e-12);
        assertEquals(1 / 3.0, scaled.metrics().get("roles/white/reward"), 1e-12);
        assertEquals(-1 / 3.0, scaled.metrics().get("roles/black/reward"), 1e-12);
        assertEquals(2 / Math.sqrt(3), scaled.metrics().get("roles/black/reward_std"), 1e-12);
        assertEquals(0.0, scaled.metrics().get("frac_reward_zero_std"));
        assertEquals(0.0, scaled.metrics().get("reward_std"), 1e-12);
    }

    /// Tries of a solver are compared with those of the same task, tasks with each other.
    @Test
    void triesOfOneTaskAreComparedWithEachOther() {
        Completion hard =
                completion(
                        OptionalDouble.empty(),
                        turn("proposer", 0, 1),
                        turn("solver", 1, 1),
                        turn("solver", 2, 0));
        Completion easy =
                completion(
                        OptionalDouble.empty(),
                        turn("proposer", 0, 0),
                        turn("solver", 1, 1),
                        turn("solver", 2, 1));
        Completion none = completion(OptionalDouble.empty(), turn("proposer", 0, 0));
        Advantages advantages =
                new AdvantageEstimator.RoleCredit(Advantages.Scale.NONE, false)
                        .of(round(3, List.of(hard, easy, none)));
        double[][] tokens = advantages.tokenValues().orElseThrow();
        assertArrayEquals(new double[] {2 / 3.0, 0.5, -0.5}, tokens[0], 1e-12);
        assertArrayEquals(new double[] {-1 / 3.0, 0, 0}, tokens[1], 1e-12);
        assertArrayEquals(new double[] {-1 / 3.0}, tokens[2], 1e-12);
        assertArrayEquals(new double[] {2 / 3.0, -1 / 3.0, -1 / 3.0}, advantages.values(), 1e-12);
        assertEquals(0.75, advantages.metrics().get("roles/solver/reward"), 1e-12);
        assertEquals(0.5, advantages.metrics().get("roles/solver/frac_reward_zero_std"), 1e-12);
        assertEquals(1 / 3.0, advantages.metrics().get("frac_reward_zero_std"), 1e-12);
    }

    /// What is given to the whole counts for each role.
    @Test
    void aRewardOfTheWholeCountsForAll() {
        Completion good = completion(OptionalDouble.of(2), turn("a", 0, 0), turn("b", 1, 0));
        Completion bad = completion(OptionalDouble.of(0), turn("a", 0, 0), turn("b", 1, 1));
        double[][] tokens =
                new AdvantageEstimator.RoleCredit(Advantages.Scale.NONE, false)
                        .of(round(2, List.of(good, bad)))
                        .tokenValues()
                        .orElseThrow();
        assertArrayEquals(new double[] {1, 0.5}, tokens[0], 1e-12);
        assertArrayEquals(new double[] {-1, -0.5}, tokens[1], 1e-12);
    }

    /// With one speaker they are GRPO's, whatever the rewards; 200 random rounds.
    @Test
    void withOneSpeakerTheyAreGrpos() {
        var random = new SplittableRandom(7);
        for (int trial = 0; trial < 200; trial++) {
            int generations = 2 + random.nextInt(4);
            int n = generations * (1 + random.nextInt(3));
            List<Completion> completions = new ArrayList<>();
            for (int i = 0; i < n; i++) {
                var turns = new Turn[1 + random.nextInt(3)];
                for (int t = 0; t < turns.length; t++) {
                    turns[t] = turn("", 0, random.nextInt(4));
                }
                completions.add(completion(OptionalDouble.of(random.nextDouble()), turns));
            }
            GroupedRewards round = round(generations, completions);
            for (Advantages.Scale scale : Advantages.Scale.values()) {
                Advantages expected =
                        Advantages.grpo(
                                round.table(),
                                generations,
                                scale,
                                Advantages.Aggregation.SUM_THEN_NORMALIZE);
                Advantages found = new AdvantageEstimator.RoleCredit(scale, false).of(round);
                assertArrayEquals(expected.values(), found.values(), 1e-9);
            }
        }
    }
}
