package org.attune.trainers.ppo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.attune.reward.KlEstimator;
import org.junit.jupiter.api.Test;

import java.util.Optional;

class TokenRewardsTest {
    private static final double TOLERANCE = 1e-12;

    @Test
    void turnsGetTheirRewardsAtTheirLastOwnTokens() {
        double[] mask = {1, 1, 0, 1, 0, 0, 1, 1};
        int[] turns = {0, 0, 0, 1, 1, 1, 2, 2};
        double[] rewards =
                new TokenRewards(KlEstimator.K1, 0)
                        .of(4, new double[8], Optional.empty(), mask, mask);
        assertArrayEquals(new double[] {0, 0, 0, 0, 0, 0, 0, 4}, rewards, TOLERANCE);
        TokenRewards.toTurns(rewards, new double[] {1, -0.5, 3.5}, turns, mask);
        assertArrayEquals(new double[] {0, 1, 0, -0.5, 0, 0, 0, 3.5}, rewards, TOLERANCE);
    }

    @Test
    void whatATurnWithoutOwnTokensGotStaysAtTheEnd() {
        double[] mask = {1, 0, 0, 1};
        double[] rewards = {0, 0, 0, 4};
        TokenRewards.toTurns(rewards, new double[] {1, 2, 1}, new int[] {0, 1, 1, 2}, mask);
        assertArrayEquals(new double[] {1, 0, 0, 3}, rewards, TOLERANCE);
    }
}
