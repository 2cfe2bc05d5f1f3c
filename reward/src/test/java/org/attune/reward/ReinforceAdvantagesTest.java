package org.attune.reward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.RewardException;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Two prompts with two completions each. Expected values are worked out in the comments.
class ReinforceAdvantagesTest {
    private static final double TOLERANCE = 1e-12;
    private static final double[][] MASKS = {{1, 1}, {1}, {1, 0, 1}, {1}};

    private static RewardTable table(double... rewards) {
        return RewardTable.of(
                List.of("r"),
                new double[] {1},
                Arrays.stream(rewards).mapToObj(r -> new double[] {r}).toArray(double[][]::new));
    }

    private static GroupedRewards round(RewardTable table) {
        return new GroupedRewards(table, 2, MASKS, Optional.empty(), Optional.empty());
    }

    @Test
    void optimalBaselinesWeighByLength() {
        // (2 · 4 + 1) / 3 = 3 and (2 · 0 + 6) / 3 = 2
        assertArrayEquals(
                new double[] {1, -2, -2, 4},
                new AdvantageEstimator.OptimalBaseline().of(round(table(4, 1, 0, 6))).values(),
                TOLERANCE);
        assertArrayEquals(
                new double[] {0, 0, -2, 4},
                new AdvantageEstimator.OptimalBaseline()
                        .of(round(table(4, Double.NaN, 0, 6)))
                        .values(),
                TOLERANCE,
                "alone with a reward, it is its own baseline");
    }

    /// Means are 1/2, and 0 where nobody succeeded. Of 4 and 1 it is 5/2.
    @Test
    void relativeAdvantagesAreOverTheGroupsMean() {
        var estimator = new AdvantageEstimator.MaximumLikelihood();
        assertArrayEquals(
                new double[] {1, -1, 0, 0},
                estimator.of(round(table(1, 0, 0, 0))).values(),
                TOLERANCE);
        assertArrayEquals(
                new double[] {0.6, -0.6, 0, 0},
                estimator.of(round(table(4, 1, 2, Double.NaN))).values(),
                TOLERANCE);
        GroupedRewards negative = round(table(1, 0, -1, 3));
        assertThrows(RewardException.class, () -> estimator.of(negative));
    }

    @Test
    void tokensAreComparedWithTheirPlaceWeightedByEnergies() {
        var round =
                new GroupedRewards(
                        table(4, 1, 0, 6),
                        2,
                        MASKS,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(new double[][] {{0.5, 0.25}, {1}, {0.2, 9, 0.3}, {0.4}}),
                        Optional.empty());
        double[][] tokens =
                new AdvantageEstimator.OptimalTokenBaseline().of(round).tokenValues().orElseThrow();
        // (0.5 · 4 + 1 · 1) / 1.5 = 2, then the first is left alone
        assertArrayEquals(new double[] {2, 4}, tokens[0], TOLERANCE);
        assertArrayEquals(new double[] {-1}, tokens[1], TOLERANCE);
        // (0.2 · 0 + 0.4 · 6) / 0.6 = 4; the second token doesn't count
        assertArrayEquals(new double[] {-4, 0, 0}, tokens[2], TOLERANCE);
        assertArrayEquals(new double[] {2}, tokens[3], TOLERANCE);
        // The first two places of a group: W_2 = 0.5 + 0.25 and 1 + 0.5.
        var longer =
                new GroupedRewards(
                        table(4, 1),
                        2,
                        new double[][] {{1, 1}, {1, 1}},
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(new double[][] {{0.5, 0.25}, {1, 0.5}}),
                        Optional.empty());
        assertArrayEquals(
                new double[] {2, 2},
                new AdvantageEstimator.OptimalTokenBaseline()
                        .of(longer)
                        .tokenValues()
                        .orElseThrow()[0],
                TOLERANCE);
    }

    @Test
    void greedyBaselinesAreTheRewardOfTheLikeliest() {
        var round =
                new GroupedRewards(
                        table(4, 1, 0, 6),
                        2,
                        MASKS,
                        Optional.empty(),
                        Optional.of(new double[] {3, 3, Double.NaN, Double.NaN}));
        assertArrayEquals(
                new double[] {1, -2, 0, 6},
                new AdvantageEstimator.Greedy().of(round).values(),
                TOLERANCE);
    }

    @Test
    void whatATokenEarnsFromThereOnIsStandardised() {
        double[][] divergences = {{0.2, 0.4}, {0}, {1, 9, -1}, {0.5}};
        var round =
                new GroupedRewards(
                        table(1, 0, 2, 1), 2, MASKS, Optional.of(divergences), Optional.empty());
        // 1 − 0.5 · 0.6, 1 − 0.5 · 0.4; 0; 2 − 0, (2 + 0.5), 2 + 0.5; 1 − 0.25
        double[][] earned = {{0.7, 0.8}, {0}, {2, 2.5, 2.5}, {0.75}};
        double[] counted = {0.7, 0.8, 0, 2, 2.5, 0.75}; // without the token that doesn't count
        double mean = Arrays.stream(counted).average().orElseThrow();
        double variance =
                Arrays.stream(counted).map(x -> (x - mean) * (x - mean)).average().orElseThrow();
        Advantages got = new AdvantageEstimator.ReinforcePlusPlus(0.5).of(round);
        for (int i = 0; i < 4; i++) {
            double[] expected =
                    Arrays.stream(earned[i]).map(x -> (x - mean) / Math.sqrt(variance)).toArray();
            assertArrayEquals(expected, got.tokenValues().orElseThrow()[i], TOLERANCE);
            assertEquals(expected[0], got.values()[i], TOLERANCE);
        }
        assertEquals(1, got.metrics().get("reward"), TOLERANCE);
    }

    @Test
    void groupsAreCentredBeforeTheRoundIsScaled() {
        // Centred 1.5, −1.5, −3, 3, over 2, 1, 2 and 1 tokens.
        double mean = (2 * 1.5 - 1.5 - 2 * 3 + 3) / 6;
        double[] centred = {1.5, -1.5, -3, 3};
        double[] counts = {2, 1, 2, 1};
        double variance = 0;
        for (int i = 0; i < 4; i++) {
            variance += counts[i] * Math.pow(centred[i] - mean, 2) / 6;
        }
        double deviation = Math.sqrt(variance);
        assertArrayEquals(
                Arrays.stream(centred).map(x -> (x - mean) / deviation).toArray(),
                new AdvantageEstimator.ReinforcePlusPlusBaseline()
                        .of(round(table(4, 1, 0, 6)))
                        .values(),
                TOLERANCE);
    }

    @Test
    void equalRewardsAndMissingOnesHaveNone() {
        for (AdvantageEstimator estimator :
                List.of(
                        new AdvantageEstimator.ReinforcePlusPlus(0),
                        new AdvantageEstimator.ReinforcePlusPlusBaseline(),
                        new AdvantageEstimator.OptimalBaseline())) {
            double none = Double.NaN;
            assertArrayEquals(
                    new double[4], estimator.of(round(table(2, 2, 2, 2))).values(), TOLERANCE);
            assertArrayEquals(
                    new double[4],
                    estimator.of(round(table(none, none, none, none))).values(),
                    TOLERANCE);
        }
    }
}
