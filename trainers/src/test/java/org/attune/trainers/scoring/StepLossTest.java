package org.attune.trainers.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class StepLossTest {
    @Test
    void equalScoresCostLn2() {
        assertEquals(Math.log(2), StepLoss.of(3, 3, true).loss(), 1e-15);
        assertEquals(0.5, StepLoss.probability(-7, -7), 1e-15);
    }

    /// d = 1.5 − 0.5 = 1: p₁ = 1 / (1 + e⁻¹) = 0.7310585786; −log p₁ = 0.3132616875, −log p₀ =
    /// 1.3132616875.
    @Test
    void bothLabelsByHand() {
        assertEquals(0.7310585786, StepLoss.probability(0.5, 1.5), 1e-10);
        assertEquals(0.3132616875, StepLoss.of(0.5, 1.5, true).loss(), 1e-10);
        assertEquals(1.3132616875, StepLoss.of(0.5, 1.5, false).loss(), 1e-10);
    }

    @Test
    void slopesAreDerivatives() {
        double h = 1e-6;
        for (double[] z : new double[][] {{0.2, -1}, {-2, 1.5}, {0, 0}}) {
            for (boolean label : new boolean[] {false, true}) {
                StepLoss value = StepLoss.of(z[0], z[1], label);
                double wrong =
                        StepLoss.of(z[0] + h, z[1], label).loss()
                                - StepLoss.of(z[0] - h, z[1], label).loss();
                double right =
                        StepLoss.of(z[0], z[1] + h, label).loss()
                                - StepLoss.of(z[0], z[1] - h, label).loss();
                assertEquals(wrong / (2 * h), value.wrong(), 1e-8);
                assertEquals(right / (2 * h), value.right(), 1e-8);
            }
        }
    }

    @Test
    void hugeDifferencesStayFinite() {
        assertEquals(1000, StepLoss.of(500, -500, true).loss(), 1e-9);
        assertEquals(0, StepLoss.of(500, -500, false).loss(), 1e-9);
        assertEquals(0, StepLoss.probability(1e6, -1e6), 1e-15);
    }
}
