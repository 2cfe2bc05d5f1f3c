package org.attune.rollout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;

class TokenChoiceTest {
    /// Probabilities at temperature 1: 0.1, 0.6, 0.3.
    private static final float[] LOGITS = {
        (float) Math.log(0.1), (float) Math.log(0.6), (float) Math.log(0.3)
    };

    private static int[] counts(SamplingOptions options) {
        var choice = new TokenChoice(options);
        int[] counts = new int[3];
        for (int i = 0; i < 10_000; i++) {
            counts[choice.choose(LOGITS)]++;
        }
        return counts;
    }

    private static SamplingOptions options(double temperature, int topK, double topP) {
        return new SamplingOptions(temperature, topK, topP, 1, 7);
    }

    @Test
    void temperatureZeroTakesTheLikeliest() {
        assertEquals(10_000, counts(SamplingOptions.greedy(1))[1]);
    }

    @Test
    void drawsFollowTheProbabilities() {
        int[] counts = counts(options(1, 0, 1));
        assertEquals(1000, counts[0], 150); // 5 standard deviations of a binomial
        assertEquals(6000, counts[1], 250);
        assertEquals(3000, counts[2], 250);
    }

    /// At temperature 0.5 probabilities are squared: 0.01, 0.36, 0.09 of 0.46.
    @Test
    void temperatureSharpens() {
        assertEquals(10_000 * 0.36 / 0.46, counts(options(0.5, 0, 1))[1], 250);
    }

    @Test
    void topKAndTopPLeaveOutTheUnlikely() {
        assertEquals(0, counts(options(1, 2, 1))[0]);
        assertEquals(10_000, counts(options(1, 1, 1))[1]);
        assertEquals(0, counts(options(1, 0, 0.9))[0]);
        assertEquals(10_000, counts(options(1, 0, 0.5))[1]);
        assertEquals(6667, counts(options(1, 2, 1))[1], 250);
    }

    @Test
    void sameSeedSameChoices() {
        var one = new TokenChoice(options(1, 0, 1));
        var other = new TokenChoice(options(1, 0, 1));
        for (int i = 0; i < 100; i++) {
            assertEquals(one.choose(LOGITS), other.choose(LOGITS));
        }
    }

    @Test
    void valuesOutsideTheirRangeAreRefused() {
        assertThrows(ConfigException.class, () -> options(Double.NaN, 0, 1));
        assertThrows(ConfigException.class, () -> options(1, 0, 0));
        assertThrows(ConfigException.class, () -> options(1, -1, 1));
    }
}
