package org.attune.reports.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.models.eval.Interval;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;

class PairedDifferenceTest {
    private static List<OptionalDouble> values(double... values) {
        return DoubleStream.of(values)
                .mapToObj(v -> Double.isNaN(v) ? OptionalDouble.empty() : OptionalDouble.of(v))
                .toList();
    }

    /// Differences 1, 2, 3: mean 2, deviation 1, half width 1.96 / √3 = 1.1316.
    @Test
    void rowsAreComparedWithThemselves() {
        PairedDifference difference =
                PairedDifference.of(values(10, 20, 30, 5), values(11, 22, 33, Double.NaN));
        assertEquals(3, difference.n());
        assertEquals(20, difference.first(), 1e-12);
        assertEquals(22, difference.second(), 1e-12);
        assertEquals(2 - 1.9599640 / Math.sqrt(3), difference.interval().low(), 1e-6);
        assertFalse(difference.isClear(), "three rows");
    }

    /// Preferences are even before training, so all rows that it turns change by one half.
    @Test
    void rowsThatAllChangeAlikeHaveAWidth() {
        for (int n : new int[] {3, 9, 10, 400}) {
            List<OptionalDouble> before = Collections.nCopies(n, OptionalDouble.of(0.5));
            PairedDifference difference =
                    PairedDifference.of(before, Collections.nCopies(n, OptionalDouble.of(1)));
            assertEquals(0.5, difference.difference(), 1e-12);
            assertEquals(Interval.paired(0, n, n).low() / 2, difference.interval().low(), 1e-12);
            assertTrue(difference.interval().high() > difference.interval().low());
            assertEquals(n >= 10, difference.isClear());
        }
    }

    @Test
    void aSingleRowProvesNothing() {
        PairedDifference difference = PairedDifference.of(values(0.5), values(0.75));
        assertFalse(difference.isClear());
        assertEquals("+0.25 (n = 1: too few to tell)", difference.text());
        assertEquals(0, PairedDifference.of(values(), values()).n());
    }

    @Test
    void rightAndWrongHaveTheIntervalOfOutcomes() {
        List<OptionalDouble> before = new ArrayList<>();
        List<OptionalDouble> after = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            before.add(OptionalDouble.of(0));
            after.add(OptionalDouble.of(0));
        }
        PairedDifference same = PairedDifference.of(before, after);
        assertTrue(same.interval().low() < 0 && same.interval().high() > 0, "a width all the same");
    }

    @Test
    void fewValuesHaveBinsOfTheirOwn() {
        Bins outcomes = Bins.of(Map.of("a", new double[] {0, 1, 1, 0, 1, Double.NaN}));
        assertEquals(2, outcomes.count());
        assertEquals(0.6, outcomes.share(0, 1), 1e-12);
        double[] many = DoubleStream.iterate(0, v -> v + 0.01).limit(1000).toArray();
        Bins spread = Bins.of(Map.of("a", many));
        assertEquals(24, spread.count());
        assertEquals(
                1,
                DoubleStream.iterate(0, b -> b + 1)
                        .limit(24)
                        .map(b -> spread.share(0, (int) b))
                        .sum(),
                1e-9);
    }

    @Test
    void numbersAreShort() {
        assertEquals("0.1235", Figures.number(0.123456));
        assertEquals("12350", Figures.number(12346.7));
        assertEquals("1.235e-7", Figures.number(1.23456e-7));
        assertEquals("0", Figures.number(-0.0));
        assertEquals("−0.5", Figures.signed(-0.5));
        assertEquals("null", Figures.drawn(Double.NaN));
        assertEquals("1 h 01 min", Figures.duration(3660));
        assertEquals("12 345", Figures.grouped(12345));
    }
}
