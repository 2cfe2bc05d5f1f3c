package org.attune.reward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/// Advantages of turns: worked examples, and their expectation where the policy decides when an
/// episode ends.
class TurnAdvantagesTest {
    private static final double TOLERANCE = 1e-12;

    /// Episodes of one token a turn.
    ///
    /// @param turns rewards of each episode's turns; of none: it failed
    private static GroupedRewards round(int generations, double[]... turns) {
        double[][] values = new double[turns.length][];
        double[][] masks = new double[turns.length][];
        int[][] numbers = new int[turns.length][];
        List<Optional<double[]>> splits = new ArrayList<>();
        for (int i = 0; i < turns.length; i++) {
            boolean failed = turns[i].length == 0;
            values[i] = new double[] {failed ? Double.NaN : Arrays.stream(turns[i]).sum()};
            masks[i] = new double[Math.max(1, turns[i].length)];
            Arrays.fill(masks[i], failed ? 0 : 1);
            numbers[i] = IntStream.range(0, masks[i].length).toArray();
            splits.add(failed ? Optional.empty() : Optional.of(turns[i]));
        }
        var table =
                new RewardTable(
                        List.of("r"),
                        new double[] {1},
                        values,
                        List.of(),
                        Map.of(),
                        Map.of(),
                        Map.of("r", splits));
        return new GroupedRewards(
                table,
                generations,
                masks,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(numbers));
    }

    private static double[][] tokens(AdvantageEstimator estimator, GroupedRewards round) {
        return estimator.of(round).tokenValues().orElseThrow();
    }

    private static AdvantageEstimator plain(double gamma) {
        return new AdvantageEstimator.TurnCredit(gamma, Advantages.Scale.NONE, false);
    }

    @Test
    void anEpisodeThatHasEndedCountsAsZero() {
        // G: (3, 2), (1), (0, −1, −1); means 4/3, 1/3, −1/3
        double[][] advantages =
                tokens(plain(1), round(3, new double[][] {{1, 2}, {1}, {1, 0, -1}}));
        assertArrayEquals(new double[] {3 - 4.0 / 3, 2 - 1.0 / 3}, advantages[0], TOLERANCE);
        assertArrayEquals(new double[] {1 - 4.0 / 3}, advantages[1], TOLERANCE);
        assertArrayEquals(
                new double[] {-4.0 / 3, -1 - 1.0 / 3, -1 + 1.0 / 3}, advantages[2], TOLERANCE);
    }

    @Test
    void laterTurnsAreDiscounted() {
        // G: (1 + 0.5 · 2, 2), (4)
        double[][] advantages = tokens(plain(0.5), round(2, new double[][] {{1, 2}, {4}}));
        assertArrayEquals(new double[] {-1, 1}, advantages[0], TOLERANCE);
        assertArrayEquals(new double[] {1}, advantages[1], TOLERANCE);
    }

    @Test
    void theOthersAreTheBaselineOfLeaveOneOut() {
        var estimator = new AdvantageEstimator.TurnCredit(1, Advantages.Scale.NONE, true);
        double[][] advantages = tokens(estimator, round(3, new double[][] {{1, 2}, {1}, {}}));
        assertArrayEquals(new double[] {3 - 1, 2 - 0}, advantages[0], TOLERANCE);
        assertArrayEquals(new double[] {1 - 3}, advantages[1], TOLERANCE);
        assertArrayEquals(new double[] {0}, advantages[2], TOLERANCE, "it failed");
        double[][] alone = tokens(estimator, round(2, new double[][] {{1, 2}, {}}));
        assertArrayEquals(new double[] {0, 0}, alone[0], TOLERANCE, "nothing to compare with");
    }

    @Test
    void oneTurnIsAsAWholeEpisode() {
        GroupedRewards round = round(2, new double[][] {{1}, {3}, {2}, {2}});
        for (Advantages.Scale scale : Advantages.Scale.values()) {
            double[] whole =
                    new AdvantageEstimator.GroupRelative(
                                    scale, Advantages.Aggregation.SUM_THEN_NORMALIZE)
                            .of(round)
                            .values();
            double[] turns = new AdvantageEstimator.TurnCredit(1, scale, false).of(round).values();
            assertArrayEquals(whole, turns, 1e-9, scale.toString());
        }
    }

    @Test
    void aGroupThatDiffersInWhenIsNotDividedByAlmostNothing() {
        var estimator = new AdvantageEstimator.TurnCredit(1, Advantages.Scale.GROUP, false);
        double[][] advantages = tokens(estimator, round(2, new double[][] {{1, 0}, {0, 1}}));
        // G: (1, 0), (1, 1): the second turn's deviation is √½
        double half = 0.5 / (Math.sqrt(0.5) + 1e-4);
        assertArrayEquals(new double[] {0, -half}, advantages[0], TOLERANCE);
        assertArrayEquals(new double[] {0, half}, advantages[1], TOLERANCE);
    }

    @Test
    void whatIsNotSplitIsTheLastTurns() {
        var table =
                new RewardTable(
                        List.of("turns", "whole"),
                        new double[] {1, 10},
                        new double[][] {{3, 1}, {0, Double.NaN}},
                        List.of(),
                        Map.of(),
                        Map.of(),
                        Map.of(
                                "turns",
                                List.of(Optional.of(new double[] {1, 1}), Optional.empty())));
        var round =
                new GroupedRewards(
                        table,
                        2,
                        new double[][] {{1, 0, 1, 1}, {1}},
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(new int[][] {{0, 0, 1, 1}, {0}}));
        // G: (13, 12), (0)
        double[][] advantages = tokens(plain(1), round);
        assertArrayEquals(new double[] {6.5, 6.5, 6, 6}, advantages[0], TOLERANCE);
        assertArrayEquals(new double[] {-6.5}, advantages[1], TOLERANCE);
    }

    /// Turn 0 stops or goes on, turn 1 is worth 1 and ends: `J = p`, so `dJ/dθ = p (1 − p)` with
    /// `p = σ(θ)`. An estimate that centres each turn by those alone that reached it gives the
    /// second turn 0 in all of them, and so sees no reason to go on.
    @Test
    void theGradientOfGoingOnIsRightInExpectation() {
        int generations = 4;
        int groups = 20_000;
        double p = 0.3;
        var random = new SplittableRandom(5);
        double[][] turns = new double[groups * generations][];
        double[] scores = new double[turns.length]; // d log π / dθ of the decision
        for (int i = 0; i < turns.length; i++) {
            boolean goesOn = random.nextDouble() < p;
            double noise = random.nextDouble() - 0.5; // of the first turn, whatever is decided
            turns[i] = goesOn ? new double[] {noise, 1} : new double[] {noise};
            scores[i] = goesOn ? 1 - p : -p;
        }
        GroupedRewards round = round(generations, turns);
        double truth = p * (1 - p);
        var leaveOut = new AdvantageEstimator.TurnCredit(1, Advantages.Scale.NONE, true);
        double exact = gradient(leaveOut.of(round).values(), scores);
        double padded = gradient(plain(1).of(round).values(), scores);
        double survivors = gradient(amongSurvivors(turns, generations), scores);
        System.out.printf(
                "gradient %.4f: leave one out %.4f, zero-padded mean %.4f, mean of survivors"
                        + " %.4f%n",
                truth, exact, padded, survivors);
        // A mean over 80 000 of numbers of about 0.4: a standard error of 0.0015.
        assertEquals(truth, exact, 0.006);
        assertEquals(truth * (generations - 1) / generations, padded, 0.006);
        assertEquals(0, survivors, 0.006, "the bias is −p (1 − p) times what the next turn gives");
        assertTrue(Math.abs(survivors - truth) > 0.19);
    }

    private static double gradient(double[] advantages, double[] scores) {
        return IntStream.range(0, scores.length).mapToDouble(i -> advantages[i] * scores[i]).sum()
                / scores.length;
    }

    /// What is in use elsewhere: each turn's reward less the mean of those that reached the turn,
    /// summed to the own end. Of the first turn.
    private static double[] amongSurvivors(double[][] turns, int generations) {
        double[] advantages = new double[turns.length];
        for (int i = 0; i < turns.length; i++) {
            int from = i / generations * generations;
            for (int t = 0; t < turns[i].length; t++) {
                double sum = 0;
                int reached = 0;
                for (int j = from; j < from + generations; j++) {
                    if (turns[j].length > t) {
                        sum += turns[j][t];
                        reached++;
                    }
                }
                advantages[i] += turns[i][t] - sum / reached;
            }
        }
        return advantages;
    }
}
