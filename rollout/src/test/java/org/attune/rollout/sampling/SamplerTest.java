package org.attune.rollout.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.sampling.distribution.ZigguratSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.ConfigException;
import org.attune.error.RolloutException;
import org.attune.rollout.TopTokens;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

final class SamplerTest {
    /// Probabilities at temperature 1: 0.1, 0.6, 0.3.
    private static final float[] LOGITS = {
        (float) Math.log(0.1), (float) Math.log(0.6), (float) Math.log(0.3)
    };

    private static final Distribution TOP_P = Distribution.plain().withTopP(0.9);

    private static final List<Distribution> DISTRIBUTIONS =
            List.of(
                    Distribution.plain(),
                    Distribution.plain().withTemperature(0.6),
                    Distribution.greedy(),
                    TOP_P,
                    Distribution.plain().withTopK(20),
                    Distribution.plain().withMinP(0.05),
                    Distribution.plain().withRepetitionPenalty(1.5),
                    new Distribution(1.2, 0.1, 0.1, 1.5, 300, 0.95, 0.01, 1),
                    new Distribution(1, 0, 0, 1, 0, 1, 0, 0.8),
                    new Distribution(1, 0, 0, 0.7, 40, 1, 0, 0.8));

    private static Sampler.Candidates candidates(Distribution distribution) {
        return new Sampler(distribution).candidates(LOGITS, new int[0], new int[0]);
    }

    @Test
    void ofEquallyLikelyTokensATinyTopPLeavesWhatGreedyDecodingTakes() {
        float[] ties = {1, 3, 3, 2, 3};
        var tiny = new Sampler(Distribution.plain().withTopP(1e-6));
        assertArrayEquals(new int[] {1}, tiny.candidates(ties, new int[0], new int[0]).ids());
        var two = new Sampler(Distribution.plain().withTopK(2));
        assertArrayEquals(new int[] {1, 2, 4}, two.candidates(ties, new int[0], new int[0]).ids());
    }

    /// Tokens that 10,000 sequences of these logits get.
    private static int[] counts(Distribution distribution) {
        var config = SamplingConfig.of(distribution, 1, Set.of(), 7);
        int[] counts = new int[3];
        for (int id : sample(config, LOGITS, 10_000).ids()) {
            counts[id]++;
        }
        return counts;
    }

    private static BatchSampler.Sampled sample(SamplingConfig config, float[] logits, int rows) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor row = Tensor.of(Devices.usual(), logits, 1, logits.length);
                        Tensor all = row.expand(rows, logits.length).copy();
                        List<Sequence> sequences = new ArrayList<>();
                        for (int i = 0; i < rows; i++) {
                            sequences.add(
                                    new Sequence(
                                            i,
                                            new int[] {0},
                                            9,
                                            config,
                                            Optional.empty(),
                                            TokenConstraint.NONE,
                                            0));
                        }
                        return BatchSampler.sample(all, sequences);
                    }
                });
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
        var config = SamplingConfig.greedy(2, Set.of(1)).withMinNewTokens(1);
        assertEquals(2, sample(config, LOGITS, 1).ids()[0]);
    }

    @Test
    void logitsThatAreNotNumbersAreRefused() {
        var plain = SamplingConfig.of(Distribution.plain(), 2, Set.of(0), 1);
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            for (var d : List.of(Distribution.plain(), Distribution.greedy(), TOP_P)) {
                var config = SamplingConfig.of(d, 2, Set.of(), 1);
                assertThrows(
                        RolloutException.class, () -> sample(config, new float[] {0, bad, 0}, 2));
            }
        }
        assertThrows(
                RolloutException.class,
                () -> sample(plain.withMinNewTokens(1), new float[] {0}, 1));
    }

    /// The log-probability is the model's own, whatever the temperature and penalties.
    @Test
    void logProbsAreTheModelsOwn() {
        var config =
                SamplingConfig.of(new Distribution(1.3, 0.5, 0.2, 0.3, 2, 1, 0, 1), 1, Set.of(), 1)
                        .withTopLogProbs(2);
        BatchSampler.Sampled sampled = sample(config, LOGITS, 20);
        for (int i = 0; i < 20; i++) {
            assertEquals(LOGITS[sampled.ids()[i]], sampled.logProbs()[i], 1e-6);
            assertArrayEquals(new int[] {1, 2}, sampled.top().get(i).ids());
            assertArrayEquals(
                    new float[] {LOGITS[1], LOGITS[2]}, sampled.top().get(i).logProbs(), 1e-6f);
        }
    }

    /// Of 0.1, 0.6, 0.3 the last two are left, with 2/3 and 1/3.
    @Test
    void tokensThatCouldBeDrawnAreReportedWithTheirProbabilities() {
        var config =
                SamplingConfig.of(Distribution.plain().withTopP(0.8), 1, Set.of(), 1)
                        .withReportsDrawable(true);
        for (TopTokens left : sample(config, LOGITS, 3).top()) {
            assertArrayEquals(new int[] {1, 2}, left.ids());
            assertArrayEquals(
                    new float[] {(float) Math.log(2 / 3.0), (float) Math.log(1 / 3.0)},
                    left.logProbs(),
                    1e-6f);
        }
        var all = SamplingConfig.of(Distribution.plain(), 1, Set.of(), 1).withReportsDrawable(true);
        assertTrue(sample(all, LOGITS, 3).top().isEmpty());
    }

    /// What is sampled on the device from the likeliest tokens, or by pieces of the vocabulary, is
    /// what the whole distribution on the host gives.
    @Test
    void samplesWhatTheWholeDistributionGives() {
        var random = RandomSource.XO_SHI_RO_256_PP.create(5);
        var normal = ZigguratSampler.NormalizedGaussian.of(random);
        int several = 0;
        for (int vocabulary : new int[] {3, 256, 600, 1024, 5000}) {
            for (double spread : new double[] {0.1, 2, 6}) {
                float[] logits = new float[vocabulary];
                for (int i = 0; i < vocabulary; i++) {
                    logits[i] = (float) (spread * normal.sample());
                }
                for (Distribution d : DISTRIBUTIONS) {
                    var config = SamplingConfig.of(d, 1, Set.of(), 11);
                    int[] ids = sample(config, logits, 40).ids();
                    Sampler.Candidates all =
                            new Sampler(d).candidates(logits, new int[] {0}, new int[0]);
                    for (int i = 0; i < ids.length; i++) {
                        assertEquals(all.pick(new Draws(11).uniform(i, 0)), ids[i], d.toString());
                    }
                    several += Arrays.stream(ids).distinct().count() > 5 ? 1 : 0;
                }
            }
        }
        assertTrue(several > 50, several + " of the cases have several outcomes");
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
