package org.attune.models.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

final class EvalResultTest {
    private static EvalRow row(double... rewards) {
        var given = new ArrayList<OptionalDouble>();
        for (double reward : rewards) {
            given.add(Double.isNaN(reward) ? OptionalDouble.empty() : OptionalDouble.of(reward));
        }
        return new EvalRow(
                EvalProblem.continued("p", Map.of()),
                Collections.nCopies(rewards.length, "c"),
                given);
    }

    private static EvalResult result(EvalRow... rows) {
        return new EvalResult(List.of(rows));
    }

    /// With z² = 3.8415 and 8 of 10: centre (0.8 + 0.19207)/1.38415 = 0.71674, half
    /// 1.95996·√(0.016 + 0.0096036)/1.38415 = 0.22658.
    @Test
    void wilsonIntervalMatchesHandComputation() {
        Interval interval = Interval.wilson(8, 10);
        assertEquals(0.49016, interval.low(), 1e-4);
        assertEquals(0.94333, interval.high(), 1e-4);
        assertEquals(0, Interval.wilson(0, 20).low());
        assertTrue(Interval.wilson(0, 20).high() > 0.1);
        assertEquals(1, Interval.wilson(20, 20).high(), 1e-12);
    }

    /// Mean 2, s = 1, s/√3 = 0.57735.
    @Test
    void normalIntervalMatchesHandComputation() {
        Interval interval = Interval.normal(new double[] {1, 2, 3});
        assertEquals(2 - 1.959964 * 0.5773503, interval.low(), 1e-6);
        assertEquals(2 + 1.959964 * 0.5773503, interval.high(), 1e-6);
    }

    /// 1 and 7 of 18: p = 2/20, q = 8/20, half 1.95996·√((0.5 - 0.09)/20) = 0.28062.
    @Test
    void pairedIntervalMatchesHandComputation() {
        Interval interval = Interval.paired(1, 7, 18);
        assertEquals(0.3 - 0.28062, interval.low(), 1e-5);
        assertEquals(0.3 + 0.28062, interval.high(), 1e-5);
    }

    @Test
    void accuracyIsTheShareOfRightAnswers() {
        EvalResult result = result(row(1), row(0), row(1), row(Double.NaN));
        assertTrue(result.isAccuracy());
        assertEquals(3, result.n());
        assertEquals(2 / 3.0, result.mean(), 1e-12);
        assertEquals(Interval.wilson(2, 3), result.interval().orElseThrow());
        assertFalse(result(row(0.5)).isAccuracy());
        assertTrue(Double.isNaN(result(row(Double.NaN)).mean()));
    }

    /// 1 of 4 right: pass@2 = 1 - C(3,2)/C(4,2) = 1/2; 3 of 4 right: 1 - 0; mean 3/4.
    @Test
    void passAtKIsUnbiased() {
        EvalResult result = result(row(0, 1, 0, 0), row(1, 1, 0, 1));
        assertEquals(0.75, result.passAt(2), 1e-12);
        assertEquals(0.5, result.passAt(1), 1e-12);
        assertEquals(result.mean(), result.passAt(1), 1e-12);
        assertEquals(1, result.passAt(4), 1e-12);
        assertThrows(IllegalArgumentException.class, () -> result.passAt(5));
    }

    @Test
    void severalCompletionsOfAProblemCountAsOneObservation() {
        EvalResult result = result(row(0, 1, 0, 0), row(1, 1, 0, 1));
        assertEquals(Interval.normal(new double[] {0.25, 0.75}), result.interval().orElseThrow());
    }

    @Test
    void differencesArePaired() {
        EvalResult.Difference d =
                result(row(1), row(0), row(0), row(0))
                        .to(result(row(1), row(1), row(1), row(Double.NaN)));
        assertEquals(3, d.n());
        assertEquals(2 / 3.0, d.mean(), 1e-12);
        assertEquals(Interval.paired(0, 2, 3), d.interval());
        EvalResult.Difference rewards = result(row(0.5), row(1)).to(result(row(1), row(2)));
        assertEquals(0.75, rewards.mean(), 1e-12);
        assertEquals(Interval.normal(new double[] {0.5, 1}), rewards.interval());
    }
}
