package org.attune.trainers.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class RewardLossTest {
    @Test
    void equalScoresCostLn2() {
        assertEquals(Math.log(2), new RewardLoss(0).of(3, 3, 0).loss(), 1e-15);
    }

    /// d = 1.2 − 0.3 − 0.5 = 0.4: log(1 + e^−0.4) = 0.5130152523; 0.01 (1.2 + 0.3)² = 0.0225.
    @Test
    void marginAndCentringByHand() {
        assertEquals(0.5355152523, new RewardLoss(0.01).of(1.2, 0.3, 0.5).loss(), 1e-9);
    }

    @Test
    void slopesAreDerivatives() {
        var loss = new RewardLoss(0.1);
        double h = 1e-6;
        for (double[] x : new double[][] {{0.2, -1, 0}, {-2, 1.5, 0.7}, {0, 0, 0}}) {
            RewardLoss.Value value = loss.of(x[0], x[1], x[2]);
            double chosen =
                    loss.of(x[0] + h, x[1], x[2]).loss() - loss.of(x[0] - h, x[1], x[2]).loss();
            double rejected =
                    loss.of(x[0], x[1] + h, x[2]).loss() - loss.of(x[0], x[1] - h, x[2]).loss();
            assertEquals(chosen / (2 * h), value.chosen(), 1e-8);
            assertEquals(rejected / (2 * h), value.rejected(), 1e-8);
        }
    }

    @Test
    void hugeDifferencesStayFinite() {
        assertEquals(1000, new RewardLoss(0).of(-500, 500, 0).loss(), 1e-9);
        assertEquals(0, new RewardLoss(0).of(500, -500, 0).loss(), 1e-9);
        assertThrows(IllegalArgumentException.class, () -> new RewardLoss(Double.NaN));
    }
}
