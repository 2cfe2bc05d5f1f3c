package org.attune.trainers.ppo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.reward.KlEstimator;
import org.junit.jupiter.api.Test;

import java.util.Optional;
import java.util.function.ToDoubleFunction;

/// Expected values are worked out by hand in the comments; slopes are held against central
/// differences.
class PpoObjectiveTest {
    private static final double NONE = Double.POSITIVE_INFINITY;
    private static final double[] OLD = {-1, -.5, -2, -1, -1, -.3};
    private static final double[] NEW = {-.8, -.9, -1.5, -1.3, .3, -.3};
    private static final double[] ADVANTAGES = {1, -.5, 1, -2, -1, 5};
    private static final double[] MASK = {1, 1, 1, 1, 1, 0};
    private static final double[] REFERENCE = {-1.1, -.4, -1.9, -.9, -1, 9};

    private static PpoObjective objective(double dualClip, double klCoef, KlEstimator estimator) {
        return new PpoObjective(.2, dualClip, klCoef, estimator, 0);
    }

    private static PpoObjective.Scores scores(double[] policy) {
        return new PpoObjective.Scores(
                policy, OLD, Optional.of(REFERENCE), new double[6], MASK, ADVANTAGES);
    }

    @Test
    void ratiosAreClippedOnTheSideThatWouldPay() {
        // ρ = exp(.2), exp(-.4), exp(.5), exp(-.3), exp(1.3)
        // A = 1: -1.2 (clipped), -1.2 (clipped);  A = -.5: max(.5 · .67032, .5 · .8) = .4 (clipped)
        // A = -2: max(2 · .740818, 1.6) = 1.6 (clipped);  A = -1: exp(1.3)
        PpoObjective.Result r = objective(NONE, 0, KlEstimator.K1).evaluate(scores(NEW));
        assertEquals(-1.2 + .4 - 1.2 + 1.6 + Math.exp(1.3), r.loss(), 1e-12);
        assertEquals(4, r.clipped());
        assertEquals(5, r.tokens());
        assertEquals(0, r.dualClipped());
        assertArrayEquals(new double[] {0, 0, 0, 0, Math.exp(1.3), 0}, r.slopes(), 1e-12);
        // d² / 2 of .2, -.4, .5, -.3, 1.3
        assertEquals((.04 + .16 + .25 + .09 + 1.69) / 2, r.squares(), 1e-12);
        assertEquals(-1.3, r.drift(), 1e-12);
    }

    @Test
    void dualClipBoundsThePunishment() {
        // exp(1.3) = 3.669 > 3
        PpoObjective.Result r = objective(3, 0, KlEstimator.K1).evaluate(scores(NEW));
        assertEquals(-1.2 + .4 - 1.2 + 1.6 + 3, r.loss(), 1e-12);
        assertEquals(1, r.dualClipped());
        assertEquals(0, r.slopes()[4]);
    }

    @Test
    void slopesAreThoseOfTheLoss() {
        for (KlEstimator estimator : KlEstimator.values()) {
            PpoObjective o = objective(3, .3, estimator);
            double[] policy = {-1.05, -.45, -1.9, -.9, -.8, -.3}; // inside of the clip range
            assertSlopes(
                    policy, o.evaluate(scores(policy)).slopes(), p -> o.evaluate(scores(p)).loss());
            assertSlopes(NEW, o.evaluate(scores(NEW)).slopes(), p -> o.evaluate(scores(p)).loss());
        }
    }

    @Test
    void valuesAreClippedAroundTheOldOnes() {
        var objective = new ValueObjective(.2);
        double[] old = {0, 0, 0, 0};
        double[] returns = {1, 1, -1, 5};
        double[] mask = {1, 1, 1, 0};
        // .1: .9² either way;  .5: .5² < .8² (clipped);  .5 to -1: 1.5² > 1.2²
        double[] values = {.1, .5, .5, 3};
        ValueObjective.Result r = objective.evaluate(values, old, returns, mask);
        assertEquals((.81 + .64 + 2.25) / 2, r.loss(), 1e-12);
        assertEquals(1, r.clipped());
        assertEquals(1.1, r.values(), 1e-12);
        assertArrayEquals(new double[] {-.9, 0, 1.5, 0}, r.slopes(), 1e-12);
        assertSlopes(values, r.slopes(), v -> objective.evaluate(v, old, returns, mask).loss());
    }

    @Test
    void coefficientFollowsTheDivergence() {
        KlController fixed = new KlController.Fixed(.05);
        assertEquals(.05, fixed.after(100, 8).coefficient());
        // 100 / 6 − 1 is bounded by .2: .05 (1 + .2 · 8 / 100)
        KlController adaptive = new KlController.Adaptive(.05, 6, 100);
        assertEquals(.0508, adaptive.after(100, 8).coefficient(), 1e-15);
        // 5.4 / 6 − 1 = −.1
        assertEquals(.05 * (1 - .1 * .08), adaptive.after(5.4, 8).coefficient(), 1e-15);
        assertEquals(.05, adaptive.after(6, 8).coefficient(), 1e-15);
    }

    @Test
    void rangesAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> objective(1, 0, KlEstimator.K1));
        assertThrows(IllegalArgumentException.class, () -> new ValueObjective(Double.NaN));
    }

    private static void assertSlopes(
            double[] at, double[] slopes, ToDoubleFunction<double[]> loss) {
        double h = 1e-6;
        for (int t = 0; t < at.length; t++) {
            double[] up = at.clone();
            double[] down = at.clone();
            up[t] += h;
            down[t] -= h;
            double slope = (loss.applyAsDouble(up) - loss.applyAsDouble(down)) / (2 * h);
            assertEquals(slope, slopes[t], 1e-7, "token " + t);
        }
    }
}
