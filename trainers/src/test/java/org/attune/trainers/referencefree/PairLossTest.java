package org.attune.trainers.referencefree;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.trainers.numerics.Dual;
import org.junit.jupiter.api.Test;

import java.util.List;

class PairLossTest {
    private static final List<PairLoss> ALL =
            List.of(
                    new PairLoss.Sigmoid(0.1, 0),
                    new PairLoss.Sigmoid(2, 0.2),
                    new PairLoss.Hinge(0.1),
                    new PairLoss.Ipo(0.1),
                    new PairLoss.Margin(2, 1.5, 0),
                    new PairLoss.Margin(0.1, 0.5, 0.1),
                    new PairLoss.OddsRatio(0.1),
                    new PairLoss.Shaped(new PairLoss.Margin(0.1, 0.5, 0), 0.25),
                    new PairLoss.Shaped(new PairLoss.Margin(0.1, 0.5, 0), -0.25),
                    new PairLoss.Shaped(new PairLoss.Sigmoid(0.1, 0), 3),
                    new PairLoss.Shaped(new PairLoss.Ipo(0.1), 2),
                    new PairLoss.Shaped(new PairLoss.Hinge(0.1), -2));

    private static Dual loss(PairLoss formula, double chosen, double rejected) {
        return formula.loss(Dual.chosen(chosen), Dual.rejected(rejected));
    }

    /// `ℓ_w = -1`, `ℓ_l = -2`, so `Δ = 1`. Worked out by hand from the formulas; the odds are
    /// `e⁻¹ / (1 - e⁻¹) = 0.5819767` and `e⁻² / (1 - e⁻²) = 0.1565176`, their log-ratio 1.3132617.
    @Test
    void lossesMatchHandComputation() {
        assertEquals(0.64439666, loss(new PairLoss.Sigmoid(0.1, 0), -1, -2).value(), 1e-8);
        assertEquals(0.65439666, loss(new PairLoss.Sigmoid(0.1, 0.1), -1, -2).value(), 1e-8);
        assertEquals(0.9, loss(new PairLoss.Hinge(0.1), -1, -2).value(), 1e-12);
        assertEquals(16, loss(new PairLoss.Ipo(0.1), -1, -2).value(), 1e-12);
        assertEquals(0.47407698, loss(new PairLoss.Margin(2, 1.5, 0), -1, -2).value(), 1e-8);
        var odds = new PairLoss.OddsRatio(0.1);
        assertEquals(1.3132617, odds.logOdds(Dual.chosen(-1), Dual.rejected(-2)).value(), 1e-7);
        assertEquals(0.02381830, loss(odds, -1, -2).value(), 1e-8);
        // r(-1) = 1 - e = -1.7182818, r(-2) = 1 - e² = -6.3890561
        var shaped = new PairLoss.Shaped(new PairLoss.Hinge(0.1), 1);
        assertEquals(1 - 0.46707743, loss(shaped, -1, -2).value(), 1e-8);
        assertEquals(-0.17182818, shaped.reward(-1), 1e-8);
    }

    @Test
    void derivativesAreThoseOfTheLoss() {
        double h = 1e-6;
        for (PairLoss formula : ALL) {
            for (double[] at : new double[][] {{-1, -2}, {-3, -0.5}, {-0.01, -4}, {-7, -6.5}}) {
                Dual got = loss(formula, at[0], at[1]);
                double byChosen =
                        (loss(formula, at[0] + h, at[1]).value()
                                        - loss(formula, at[0] - h, at[1]).value())
                                / (2 * h);
                double byRejected =
                        (loss(formula, at[0], at[1] + h).value()
                                        - loss(formula, at[0], at[1] - h).value())
                                / (2 * h);
                String what = formula + " at " + at[0] + ", " + at[1];
                double scale = 1 + Math.abs(got.value());
                assertEquals(
                        byChosen, got.byChosen(), 1e-6 * scale + 1e-7 * Math.abs(byChosen), what);
                assertEquals(
                        byRejected,
                        got.byRejected(),
                        1e-6 * scale + 1e-7 * Math.abs(byRejected),
                        what);
            }
        }
    }

    /// The square of a shaped reward may be infinite, which ends the run.
    @Test
    void nothingIsNotANumberFarOut() {
        double[] far = {-1000, -500, -100, -1e-3, -1e-9, -1e-15, 0};
        for (PairLoss formula : ALL) {
            for (double chosen : far) {
                for (double rejected : far) {
                    Dual got = loss(formula, chosen, rejected);
                    String what = formula + " at " + chosen + ", " + rejected;
                    assertFalse(Double.isNaN(got.value()), what + ": " + got);
                    assertFalse(Double.isNaN(got.byChosen()), what + ": " + got);
                    assertFalse(Double.isNaN(got.byRejected()), what + ": " + got);
                }
            }
        }
    }

    /// `α → 0` gives the logarithm of the probability back.
    @Test
    void alphaNearZeroIsThePlainLoss() {
        var plain = new PairLoss.Margin(0.1, 0.5, 0);
        Dual got = loss(new PairLoss.Shaped(plain, 1e-7), -1.3, -2.4);
        Dual expected = loss(plain, -1.3, -2.4);
        assertEquals(expected.value(), got.value(), 1e-7);
        assertEquals(expected.byChosen(), got.byChosen(), 1e-7);
    }

    @Test
    void parametersOutOfRangeAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new PairLoss.Sigmoid(0, 0));
        assertThrows(IllegalArgumentException.class, () -> new PairLoss.Sigmoid(1, 0.5));
        assertThrows(IllegalArgumentException.class, () -> new PairLoss.Margin(1, -1, 0));
        assertThrows(IllegalArgumentException.class, () -> new PairLoss.OddsRatio(Double.NaN));
        assertThrows(
                IllegalArgumentException.class,
                () -> new PairLoss.Shaped(new PairLoss.Hinge(1), 0));
    }
}
