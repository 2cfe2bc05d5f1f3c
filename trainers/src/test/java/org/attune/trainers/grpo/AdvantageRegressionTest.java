package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.junit.jupiter.api.Test;

import java.util.Arrays;

/// The two stages of A*-PO, by the formulas of [Brantley et al.
/// 2025](https://arxiv.org/abs/2505.20686).
class AdvantageRegressionTest {
    /// Of four samples one is right, β₁ = 0.5: `0.5 log((3 + e²) / 4) = 0.477229`.
    @Test
    void aValueIsTheSoftMeanOfItsSamples() {
        double expected = 0.5 * Math.log((3 + Math.exp(2)) / 4);
        assertEquals(0.477229, expected, 1e-6);
        assertEquals(expected, OptimalValues.of(new double[] {0, 1, 0, 0}, 0.5, true), 1e-12);
        assertEquals(1, OptimalValues.of(new double[] {1, 1}, 0.5, true), 1e-12);
        assertEquals(0.25, OptimalValues.of(new double[] {0, 1, 0, 0}, 1e6, true), 1e-6, "mean");
        assertEquals(1, OptimalValues.of(new double[] {0, 1, 0, 0}, 1e-4, true), 1e-3, "largest");
    }

    @Test
    void promptsWithoutARightSampleAreLeftOut() {
        double[] wrong = {0, 0, 0};
        assertTrue(Double.isNaN(OptimalValues.of(wrong, 0.5, true)));
        assertEquals(0, OptimalValues.of(wrong, 0.5, false), 1e-12);
        double[] none = {Double.NaN, Double.NaN};
        assertTrue(Double.isNaN(OptimalValues.of(none, 0.5, false)));
        double[] some = {Double.NaN, 1};
        assertEquals(1, OptimalValues.of(some, 0.5, true), 1e-12);
    }

    /// β₂ = 0.1, log-ratios 0.4 and −0.1 and one that doesn't count, A = 0.5:
    /// `(0.1 · 0.3 − 0.5)² = 0.2209`, slope `2 · 0.1 · (−0.47) = −0.094`.
    @Test
    void theLossIsTheOneWorkedByHand() {
        CompletionLogProbs row =
                CompletionLogProbs.of(new double[] {-1, -2, -3}, new double[] {1, 1, 0}, 0.5)
                        .withReference(new double[] {-1.4, -1.9, -7});
        var loss = new AdvantageRegression(0.1);
        CompletionLoss.Result result = loss.evaluate(row);
        assertEquals(0.03, loss.implicitReward(row), 1e-12);
        assertEquals(0.2209, result.loss(), 1e-12);
        assertArrayEquals(new double[] {-0.094, -0.094, 0}, result.slopes(), 1e-12);
    }

    /// 200 random completions, each slope beside a central difference.
    @Test
    void slopesAreDerivatives() {
        UniformRandomProvider random = RandomSource.XO_SHI_RO_256_PP.create(9L);
        for (int round = 0; round < 200; round++) {
            int tokens = 1 + random.nextInt(5);
            double[] policy = random.doubles(tokens, -4, 0).toArray();
            double[] mask = random.doubles(tokens).map(m -> m < 0.8 ? 1 : 0).toArray();
            mask[0] = 1;
            CompletionLogProbs row =
                    CompletionLogProbs.of(policy, mask, random.nextDouble() - 0.5)
                            .withReference(random.doubles(tokens, -4, 0).toArray());
            var loss = new AdvantageRegression(0.3);
            double[] slopes = loss.evaluate(row).slopes();
            for (int t = 0; t < tokens; t++) {
                double[] up = policy.clone();
                double[] down = policy.clone();
                up[t] += 1e-5;
                down[t] -= 1e-5;
                double expected =
                        (loss.evaluate(row.withPolicy(up)).loss()
                                        - loss.evaluate(row.withPolicy(down)).loss())
                                / 2e-5;
                assertEquals(expected, slopes[t], 1e-8, Arrays.toString(policy));
            }
        }
    }
}
