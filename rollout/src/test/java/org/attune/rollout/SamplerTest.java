package org.attune.rollout;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.error.RolloutException;
import org.attune.rollout.SamplingConfig.Distribution;
import org.junit.jupiter.api.Test;

import java.util.Set;

final class SamplerTest {
    /// Probabilities at temperature 1: 0.1, 0.6, 0.3.
    private static final float[] LOGITS = {
        (float) Math.log(0.1), (float) Math.log(0.6), (float) Math.log(0.3)
    };

    private static Sampler.Candidates candidates(Distribution distribution) {
        return new Sampler(distribution).candidates(LOGITS, new int[0], new int[0]);
    }

    private static int[] counts(Distribution distribution) {
        var sampler = new Sampler(distribution);
        var draws = new Draws(7);
        int[] counts = new int[3];
        for (int i = 0; i < 10_000; i++) {
            counts[sampler.choose(LOGITS.clone(), sequence(), Set.of(), draws.uniform(0, i))]++;
        }
        return counts;
    }

    private static Sequence sequence() {
        return new Sequence(0, new int[] {0}, 9, SamplingConfig.greedy(1, Set.of()), null);
    }

    @Test
    void temperatureZeroTakesTheLikeliest() {
        assertArrayEquals(new int[] {0, 10_000, 0}, counts(Distribution.greedy()));
    }

    @Test
    void drawsFollowTheProbabilities() {
        int[] counts = counts(Distribution.plain());
        assertEquals(1000, counts[0], 150); // 5 standard deviations of a binomial
        assertEquals(6000, counts[1], 250);
        assertEquals(3000, counts[2], 250);
    }

    /// At temperature 0.5 probabilities are squared: 0.01, 0.36, 0.09 of 0.46.
    @Test
    void temperatureSharpens() {
        double[] p = candidates(Distribution.plain().withTemperature(0.5)).probabilities();
        assertArrayEquals(new double[] {0.01 / 0.46, 0.36 / 0.46, 0.09 / 0.46}, p, 1e-6);
    }

    @Test
    void filtersLeaveOutTheUnlikelyAndRenormalise() {
        Sampler.Candidates two = candidates(Distribution.plain().withTopK(2));
        assertArrayEquals(new int[] {1, 2}, two.ids());
        assertArrayEquals(new double[] {2 / 3.0, 1 / 3.0}, two.probabilities(), 1e-6);
        assertArrayEquals(new int[] {1, 2}, candidates(Distribution.plain().withTopP(0.8)).ids());
        assertArrayEquals(new int[] {1}, candidates(Distribution.plain().withTopP(0.5)).ids());
        assertArrayEquals(new int[] {1, 2}, candidates(Distribution.plain().withMinP(0.4)).ids());
    }

    @Test
    void bannedTokensAreNeverChosen() {
        var sampler = new Sampler(Distribution.greedy());
        assertEquals(2, sampler.choose(LOGITS.clone(), sequence(), Set.of(1), 0.5));
    }

    @Test
    void logitsThatAreNotNumbersAreRefused() {
        var sampler = new Sampler(Distribution.plain());
        float[] bad = {0, Float.NaN};
        assertThrows(RolloutException.class, () -> sampler.choose(bad, sequence(), Set.of(), 0.5));
        float[] none = {0};
        assertThrows(
                RolloutException.class, () -> sampler.choose(none, sequence(), Set.of(0), 0.5));
    }

    @Test
    void drawsDependOnSeedSequenceAndPositionAlone() {
        var draws = new Draws(3);
        double value = draws.uniform(4, 5);
        draws.uniform(1, 1);
        assertEquals(value, draws.uniform(4, 5));
        assertEquals(value, new Draws(3).uniform(4, 5));
        assertNotEquals(value, draws.uniform(5, 4));
        assertNotEquals(value, new Draws(4).uniform(4, 5));
    }

    @Test
    void valuesOutsideTheirRangeAreRefusedAllAtOnce() {
        var e =
                assertThrows(
                        ConfigException.class,
                        () -> new Distribution(1, 0, 0, Double.NaN, -1, 0, 0, 1));
        for (String key : new String[] {"temperature", "top_k", "top_p"}) {
            assertTrue(e.getMessage().contains(key), e.getMessage());
        }
        assertThrows(ConfigException.class, () -> SamplingConfig.greedy(0, Set.of()));
        assertThrows(
                ConfigException.class,
                () -> SamplingConfig.greedy(3, Set.of()).withMinNewTokens(4));
    }
}
