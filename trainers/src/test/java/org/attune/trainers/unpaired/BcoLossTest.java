package org.attune.trainers.unpaired;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class BcoLossTest {
    private static final BcoLoss PLAIN = new BcoLoss(0.1, 1, 1);

    /// β = 0.1 and a log-ratio of 20 make r = 2. With δ = 1 the logit is 1: −log σ(1) =
    /// 0.3132616875, −log σ(−1) = 1.3132616875; σ(−1) = 0.2689414214, σ(1) = 0.7310585786.
    @Test
    void bothLabelsByHand() {
        double reward = PLAIN.reward(-10, -30);
        assertEquals(2, reward, 1e-12);
        BcoLoss.Value good = PLAIN.of(reward, 1, true);
        assertEquals(0.3132616875, good.loss(), 1e-10);
        assertEquals(-0.02689414214, good.slope(), 1e-11);
        BcoLoss.Value bad = PLAIN.of(reward, 1, false);
        assertEquals(1.3132616875, bad.loss(), 1e-10);
        assertEquals(0.07310585786, bad.slope(), 1e-11);
    }

    @Test
    void weightsScaleTheirLabelAlone() {
        var weighted = new BcoLoss(0.1, 3, 0.5);
        assertEquals(3 * PLAIN.of(0.7, 0.2, true).loss(), weighted.of(0.7, 0.2, true).loss());
        assertEquals(
                0.5 * PLAIN.of(0.7, 0.2, false).slope(),
                weighted.of(0.7, 0.2, false).slope(),
                1e-15);
    }

    @Test
    void slopesAreDerivativesWithConstantDelta() {
        double h = 1e-5;
        for (boolean label : new boolean[] {false, true}) {
            double up = PLAIN.of(PLAIN.reward(-3 + h, -7), 0.3, label).loss();
            double down = PLAIN.of(PLAIN.reward(-3 - h, -7), 0.3, label).loss();
            double slope = PLAIN.of(PLAIN.reward(-3, -7), 0.3, label).slope();
            assertEquals((up - down) / (2 * h), slope, 1e-9);
        }
    }

    @Test
    void hugeRewardsStayFinite() {
        assertEquals(1000, PLAIN.of(-1000, 0, true).loss(), 1e-9);
        assertEquals(0, PLAIN.of(1000, 0, true).loss(), 1e-9);
    }

    @Test
    void valuesOutsideTheirRangesAreNamed() {
        for (double beta : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
            var error = assertThrows(IllegalArgumentException.class, () -> new BcoLoss(beta, 1, 1));
            assertTrue(error.getMessage().contains("beta"), error.getMessage());
        }
        var error = assertThrows(IllegalArgumentException.class, () -> new BcoLoss(1, 1, -0.1));
        assertTrue(error.getMessage().startsWith("undesirable_weight"), error.getMessage());
    }

    /// 1, 2 then 6: means 1.5 and 3.
    @Test
    void runningMeanIsTheMeanOfAllValues() {
        RunningMean two = RunningMean.NONE.with(new double[] {1, 2});
        assertEquals(new RunningMean(1.5, 2), two);
        assertEquals(new RunningMean(3, 3), two.with(new double[] {6}));
        assertEquals(two, two.with(new double[0]));
        assertThrows(IllegalArgumentException.class, () -> new RunningMean(Double.NaN, 1));
        assertThrows(IllegalArgumentException.class, () -> new RunningMean(0, -1));
    }
}
