package org.attune.trainers.unpaired;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.RowOrigin;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.UnpairedExample;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.stream.IntStream;

class KtoLossTest {
    private static final KtoLoss PLAIN = new KtoLoss(0.1, 1, 1);

    /// β = 0.1, d = 30 and z₀ = 10 make β (d − z₀) = 2: 1 − σ(2) = 0.1192029220, 1 − σ(−2) =
    /// 0.8807970780; σ'(2) = 0.1049935854, times β.
    @Test
    void bothLabelsByHand() {
        KtoLoss.Value good = PLAIN.of(30, 10, true);
        assertEquals(0.1192029220, good.loss(), 1e-10);
        assertEquals(-0.01049935854, good.slope(), 1e-11);
        KtoLoss.Value bad = PLAIN.of(30, 10, false);
        assertEquals(0.8807970780, bad.loss(), 1e-10);
        assertEquals(0.01049935854, bad.slope(), 1e-11);
        assertEquals(3, PLAIN.reward(-10, -40), 1e-12);
    }

    @Test
    void weightsScaleTheirLabelAlone() {
        var weighted = new KtoLoss(0.1, 3, 0.5);
        assertEquals(3 * PLAIN.of(7, 2, true).loss(), weighted.of(7, 2, true).loss(), 1e-15);
        assertEquals(0.5 * PLAIN.of(7, 2, false).slope(), weighted.of(7, 2, false).slope(), 1e-15);
    }

    @Test
    void slopesAreDerivativesWithConstantReferencePoint() {
        double h = 1e-5;
        for (boolean label : new boolean[] {false, true}) {
            double up = PLAIN.of(4 + h, 0.3, label).loss();
            double down = PLAIN.of(4 - h, 0.3, label).loss();
            assertEquals((up - down) / (2 * h), PLAIN.of(4, 0.3, label).slope(), 1e-9);
        }
    }

    @Test
    void referencePointIsAMeanOfAtLeastZero() {
        assertEquals(2.5, KtoLoss.referencePoint(10, 4));
        assertEquals(0, KtoLoss.referencePoint(-10, 4));
    }

    @Test
    void hugeLogRatiosStayFinite() {
        var steep = new KtoLoss(1, 1, 1);
        for (double d : new double[] {-500, 500, -1e6, 1e6}) {
            for (boolean label : new boolean[] {false, true}) {
                KtoLoss.Value value = steep.of(d, 0, label);
                assertEquals(label == d < 0 ? 1 : 0, value.loss(), 1e-12);
                assertEquals(0, value.slope(), 1e-12);
            }
        }
    }

    @Test
    void valuesOutsideTheirRangesAreNamed() {
        for (double beta : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
            var error = assertThrows(IllegalArgumentException.class, () -> new KtoLoss(beta, 1, 1));
            assertTrue(error.getMessage().contains("beta"), error.getMessage());
        }
        var error = assertThrows(IllegalArgumentException.class, () -> new KtoLoss(1, 1, -0.1));
        assertTrue(error.getMessage().startsWith("undesirable_weight"), error.getMessage());
    }

    /// Of 6 good rows and 2 bad ones a good one should count a third to 4/9 of a bad one.
    @Test
    void weightsThatDoNotBalanceLabelsAreWarnedOf() {
        List<UnpairedExample> rows = IntStream.range(0, 8).mapToObj(i -> row(i < 6)).toList();
        String warning = WeightAdvice.warning(PLAIN, rows).orElseThrow();
        assertTrue(warning.contains("desirable_weight between 0.33 and 0.44"), warning);
        assertTrue(warning.contains("undesirable_weight between 2.25 and 3.00"), warning);
        assertTrue(WeightAdvice.warning(new KtoLoss(1, 0.4, 1), rows).isEmpty());
        assertTrue(WeightAdvice.warning(new KtoLoss(1, 1, 2.5), rows).isEmpty());
        assertTrue(WeightAdvice.warning(PLAIN, List.of(row(true), row(false))).isEmpty());
    }

    private static UnpairedExample row(boolean label) {
        return new UnpairedExample(
                new CompletionTokens(new int[] {1, 2}, 1), label, new RowOrigin("r", 1, 0));
    }
}
