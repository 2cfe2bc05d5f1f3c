package org.attune.trainers.onpolicy;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.RewardException;
import org.attune.reward.RewardFailure;
import org.attune.reward.RewardTable;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

class RewardWatchTest {
    private static final double NONE = Double.NaN;

    private final RewardWatch watch = new RewardWatch(OnRewardFailure.STOP);

    private static RewardFailure failure(String function, int count) {
        return new RewardFailure(
                function, RewardFailure.Kind.THREW, count, 0, "ModuleNotFoundError: x");
    }

    /// Two functions, "a" and "b", on four completions.
    private static RewardTable table(double[] a, double[] b, RewardFailure... failures) {
        double[][] values = new double[a.length][2];
        for (int i = 0; i < a.length; i++) {
            values[i][0] = a[i];
            values[i][1] = b[i];
        }
        return new RewardTable(
                List.of("a", "b"),
                new double[] {1, 1},
                values,
                List.of(failures),
                Map.of(),
                Map.of());
    }

    private static double[] all(double value) {
        double[] rewards = new double[4];
        Arrays.fill(rewards, value);
        return rewards;
    }

    private String stopped(RewardTable table) {
        return assertThrows(RewardException.class, () -> watch.check(table)).getMessage();
    }

    @Test
    void functionThatFailsForAllEndsTheRunWhateverOthersGive() {
        watch.check(table(all(1), all(0)));
        String message = stopped(table(all(1), all(NONE), failure("b", 4)));
        assertTrue(message.contains("\"b\" gave nothing for the 4 completions"), message);
        assertTrue(message.contains("ModuleNotFoundError: x"), message);
        assertTrue(message.contains("on_reward_failure: continue"), message);
    }

    @Test
    void failuresBesideRewardsAreCountedOnly() {
        for (int round = 0; round < 5; round++) {
            watch.check(table(new double[] {1, NONE, NONE, NONE}, all(NONE), failure("a", 3)));
        }
    }

    @Test
    void functionOfOtherRowsIsNoFailure() {
        for (int round = 0; round < 5; round++) {
            watch.check(table(all(1), all(NONE)));
        }
    }

    @Test
    void failureForTheOnlyRowOfAFunctionIsBorneTwice() {
        RewardTable one = table(all(1), all(NONE), failure("b", 1));
        watch.check(one);
        watch.check(one);
        watch.check(table(all(1), new double[] {1, NONE, NONE, NONE}));
        watch.check(one);
        watch.check(one);
        stopped(one);
    }

    @Test
    void nothingJudgedEndsTheRunAtItsFirstRound() {
        String message = stopped(table(all(NONE), all(NONE)));
        assertTrue(message.contains("\"a\", \"b\" returned no value"), message);
    }

    @Test
    void nothingJudgedLaterIsBorneTwice() {
        watch.check(table(all(0), all(NONE)));
        RewardTable silent = table(all(NONE), all(NONE));
        watch.check(silent);
        watch.check(silent);
        String message = stopped(silent);
        assertTrue(message.contains("3 rounds in a row"), message);
    }

    @Test
    void whoWantsToGoOnDoes() {
        var patient = new RewardWatch(OnRewardFailure.CONTINUE);
        for (int round = 0; round < 5; round++) {
            patient.check(table(all(NONE), all(NONE), failure("a", 4), failure("b", 4)));
        }
    }
}
