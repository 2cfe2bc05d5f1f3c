package org.attune.reward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.reward.Advantages.Aggregation;
import org.attune.reward.Advantages.ClipRange;
import org.attune.reward.Advantages.Scale;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Expected values are worked out by hand in the comments.
class AdvantagesTest {
    private static final double NONE = Double.NaN;
    private static final double TOLERANCE = 1e-12;

    private static RewardTable one(double... rewards) {
        return RewardTable.of(
                List.of("r"),
                new double[] {1},
                Arrays.stream(rewards).mapToObj(r -> new double[] {r}).toArray(double[][]::new));
    }

    /// One group of completions of a token, with their divergences.
    private static GroupedRewards round(RewardTable table, double... divergences) {
        GroupedRewards plain = GroupedRewards.of(table, table.size());
        double[][] each =
                Arrays.stream(divergences).mapToObj(d -> new double[] {d}).toArray(double[][]::new);
        return new GroupedRewards(
                table, table.size(), plain.masks(), Optional.of(each), Optional.empty());
    }

    private static double[] grpo(RewardTable table, int groupSize, Scale scale) {
        return Advantages.grpo(table, groupSize, scale, Aggregation.SUM_THEN_NORMALIZE).values();
    }

    @Test
    void groupScaleDividesByTheUnbiasedDeviation() {
        // mean 0.5, deviation sqrt(4 · 0.25 / 3)
        double a = 0.5 / (Math.sqrt(1 / 3.0) + 1e-4);
        assertArrayEquals(
                new double[] {a, -a, -a, a}, grpo(one(1, 0, 0, 1), 4, Scale.GROUP), TOLERANCE);
    }

    /// In double precision 0.2 less the mean of 0.1, 0.2 and 0.3 is -2.8e-17.
    @Test
    void aRewardThatIsTheMeanHasAdvantageZero() {
        for (Scale scale : Scale.values()) {
            assertEquals(0, grpo(one(0.1, 0.2, 0.3), 3, scale)[1], 0.0);
        }
        double[] equal =
                Advantages.grpo(
                                one(0.1, 0.1, 0.1, 0.7, 0.1, 0.2),
                                3,
                                Scale.GROUP,
                                Aggregation.NORMALIZE_THEN_SUM)
                        .values();
        assertArrayEquals(new double[3], Arrays.copyOf(equal, 3), 0.0);
        assertEquals(1, Math.signum(grpo(one(1e-9, 2e-9, 1e-9), 3, Scale.NONE)[1]));
    }

    @Test
    void batchScaleDividesAllGroupsByOneDeviation() {
        RewardTable table = one(1, 0, 0, 1, 2, 2, 2, 2);
        // mean 1.25, squares 4 · 0.75² + 2 · 1.25² + 2 · 0.25² = 5.5, over 7
        double a = 0.5 / (Math.sqrt(5.5 / 7) + 1e-4);
        assertArrayEquals(
                new double[] {a, -a, -a, a, 0, 0, 0, 0}, grpo(table, 4, Scale.BATCH), TOLERANCE);
        assertArrayEquals(
                new double[] {0.5, -0.5, -0.5, 0.5, 0, 0, 0, 0},
                grpo(table, 4, Scale.NONE),
                TOLERANCE);
    }

    @Test
    void completionWithoutRewardHasAdvantageZeroAndIsLeftOut() {
        // mean of 1 and 3
        assertArrayEquals(
                new double[] {-1, 1, 0, 0}, grpo(one(1, 3, NONE, NONE), 4, Scale.NONE), TOLERANCE);
    }

    @Test
    void groupWithOneOrNoRewardHasNoAdvantages() {
        RewardTable table = one(5, NONE, NONE, NONE);
        for (Scale scale : Scale.values()) {
            assertArrayEquals(new double[4], grpo(table, 2, scale), TOLERANCE);
        }
    }

    /// As in an evaluation with one completion for each prompt.
    @Test
    void completionsThatAreAloneHaveNoAdvantage() {
        RewardTable table = one(1, 0, NONE);
        for (Scale scale : Scale.values()) {
            for (Aggregation aggregation : Aggregation.values()) {
                Advantages alone = Advantages.grpo(table, 1, scale, aggregation);
                assertArrayEquals(new double[3], alone.values(), TOLERANCE);
                assertEquals(0.5, alone.metrics().get("reward"));
                assertEquals(Double.NaN, alone.metrics().get("frac_reward_zero_std"));
            }
        }
    }

    @Test
    void missingRewardCountsAsZeroBesideAnother() {
        RewardTable table =
                RewardTable.of(
                        List.of("a", "b"),
                        new double[] {1, 0.5},
                        new double[][] {{1, NONE}, {NONE, 4}});
        // 1 and 2
        assertArrayEquals(new double[] {-0.5, 0.5}, grpo(table, 2, Scale.NONE), TOLERANCE);
        assertEquals(
                1.5,
                Advantages.grpo(table, 2, Scale.NONE, Aggregation.SUM_THEN_NORMALIZE)
                        .metrics()
                        .get("reward"),
                TOLERANCE);
    }

    @Test
    void eachRewardIsStandardisedBeforeTheSum() {
        RewardTable table =
                RewardTable.of(
                        List.of("f1", "f2"),
                        new double[] {1, 0.5},
                        new double[][] {{1, 0}, {0, 1}, {0, 2}, {1, 3}});
        double[] expected = {0.25490400, -0.94771540, -0.60130970, 1.29412111};
        assertArrayEquals(
                expected,
                Advantages.grpo(table, 4, Scale.GROUP, Aggregation.NORMALIZE_THEN_SUM).values(),
                1e-8);
    }

    @Test
    void emptyGroupsLeaveOthersNormalised() {
        // leave-one-out advantages -2 and 2 in the second group; unbiased deviation sqrt(8)
        double a = 2 / (Math.sqrt(8) + 1e-4);
        assertArrayEquals(
                new double[] {0, 0, -a, a},
                Advantages.rloo(one(NONE, NONE, 1, 3), 2, new double[4], 0, Optional.empty(), true)
                        .values(),
                TOLERANCE);
    }

    @Test
    void leaveOneOutComparesWithTheOthersMean() {
        double[] expected = {-8 / 3.0, -4 / 3.0, 0, 4};
        assertArrayEquals(
                expected,
                Advantages.rloo(one(1, 2, 3, 6), 4, new double[4], 0.1, Optional.empty(), false)
                        .values(),
                TOLERANCE);
    }

    @Test
    void estimatorsDifferInTheirBaseline() {
        RewardTable table = one(1, 2, 3, 6); // mean 3; of the others 11/3, 10/3, 3, 2
        var plain =
                new AdvantageEstimator.GroupRelative(Scale.NONE, Aggregation.SUM_THEN_NORMALIZE);
        assertArrayEquals(
                new double[] {-2, -1, 0, 3},
                plain.of(round(table, 9, 9, 9, 9)).values(),
                TOLERANCE);
        var others = new AdvantageEstimator.LeaveOneOut(0.5, Optional.empty(), false);
        assertArrayEquals(
                new double[] {-8 / 3.0, -4 / 3.0, 0, 4},
                others.of(round(table, 0, 0, 0, 0)).values(),
                TOLERANCE);
        // 1, 2, 3 and 6 less 0.5 · 2: 5; of the others 10/3, 3, 8/3, 2
        assertArrayEquals(
                new double[] {-7 / 3.0, -1, 1 / 3.0, 3},
                others.of(round(table, 0, 0, 0, 2)).values(),
                TOLERANCE);
    }

    @Test
    void divergenceIsTakenOffAfterClipping() {
        // 5 clipped to 2, less 0.5 · 2: 1; 1 less 0: 1
        var advantages =
                Advantages.rloo(
                        one(5, 1),
                        2,
                        new double[] {2, 0},
                        0.5,
                        Optional.of(new ClipRange(-1, 2)),
                        false);
        assertArrayEquals(new double[] {0, 0}, advantages.values(), TOLERANCE);
        assertEquals(3, advantages.metrics().get("reward"), TOLERANCE);
    }

    /// TRL looks at what is compared: clipped rewards less the divergence, not the rewards.
    @Test
    void groupsThatAreEqualAfterClippingAreCounted() {
        var clip = Optional.of(new ClipRange(-1, 2));
        var clipped = Advantages.rloo(one(5, 3, 0, 1), 2, new double[4], 0.5, clip, false);
        assertEquals(0.5, clipped.metrics().get("frac_reward_zero_std"));
        assertArrayEquals(new double[] {0, 0, -1, 1}, clipped.values(), TOLERANCE);
        assertEquals(2.25, clipped.metrics().get("reward"), TOLERANCE);
        double[] divergences = {1, 0, 0, 0};
        assertEquals(
                0,
                Advantages.rloo(one(5, 3, 0, 1), 2, divergences, 0.5, clip, false)
                        .metrics()
                        .get("frac_reward_zero_std"));
    }

    @Test
    void statisticsAreNanAwareAndUnbiased() {
        RewardTable table =
                RewardTable.of(
                        List.of("a", "never"),
                        new double[] {1, 1},
                        new double[][] {{1, NONE}, {3, NONE}, {NONE, NONE}, {2, NONE}});
        var metrics =
                Advantages.grpo(table, 2, Scale.GROUP, Aggregation.SUM_THEN_NORMALIZE).metrics();
        assertEquals(2, metrics.get("rewards/a/mean"), TOLERANCE);
        assertEquals(1, metrics.get("rewards/a/std"), TOLERANCE);
        assertEquals(NONE, metrics.get("rewards/never/mean"));
        assertEquals(NONE, metrics.get("rewards/never/std"));
        assertEquals(2, metrics.get("reward"), TOLERANCE);
        assertEquals(1, metrics.get("reward_std"), TOLERANCE);
        // the second group has one reward, hence no deviation
        assertEquals(0, metrics.get("frac_reward_zero_std"));
    }

    @Test
    void groupsOfEqualRewardsAreCounted() {
        var metrics =
                Advantages.grpo(one(1, 1, 0, 1), 2, Scale.GROUP, Aggregation.SUM_THEN_NORMALIZE)
                        .metrics();
        assertEquals(0.5, metrics.get("frac_reward_zero_std"));
    }

    /// TRL looks at the deviation that scales: of each group, or of the batch.
    @Test
    void equalRewardsAreCountedWhereTheyAreCompared() {
        RewardTable partly = one(1, 1, 0, 1); // one group of equal rewards
        RewardTable missing = one(NONE, NONE, 0, 1, 2, 2, NONE, 5, 3, 3);
        RewardTable equal = one(4, 4, NONE, 4);
        RewardTable single = one(NONE, NONE, NONE, 4);
        assertEquals(0.5, zeroShare(partly, Scale.GROUP, Aggregation.SUM_THEN_NORMALIZE));
        assertEquals(0.5, zeroShare(partly, Scale.NONE, Aggregation.SUM_THEN_NORMALIZE));
        assertEquals(0, zeroShare(partly, Scale.BATCH, Aggregation.SUM_THEN_NORMALIZE));
        assertEquals(0.4, zeroShare(missing, Scale.GROUP, Aggregation.SUM_THEN_NORMALIZE), 1e-12);
        assertEquals(1, zeroShare(equal, Scale.BATCH, Aggregation.SUM_THEN_NORMALIZE));
        for (Scale scale : Scale.values()) { // GDPO has no use for it
            assertEquals(0, zeroShare(partly, scale, Aggregation.NORMALIZE_THEN_SUM));
            assertEquals(0, zeroShare(missing, scale, Aggregation.NORMALIZE_THEN_SUM));
            assertEquals(1, zeroShare(equal, scale, Aggregation.NORMALIZE_THEN_SUM));
            for (Aggregation aggregation : Aggregation.values()) {
                assertEquals(0, zeroShare(single, scale, aggregation));
            }
        }
    }

    private static double zeroShare(RewardTable table, Scale scale, Aggregation aggregation) {
        return Advantages.grpo(table, 2, scale, aggregation).metrics().get("frac_reward_zero_std");
    }

    @Test
    void incompleteGroupsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> grpo(one(1, 2, 3), 2, Scale.GROUP));
    }
}
