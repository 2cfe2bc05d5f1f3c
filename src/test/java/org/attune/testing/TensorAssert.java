package org.attune.testing;

import java.util.Arrays;

/// Comparison of numbers that NaN can't pass: says index, both values and the tolerance.
public final class TensorAssert {
    private TensorAssert() {}

    /// Every element within `absolute + relative · |expected|`.
    public static void assertClose(
            String what, float[] expected, float[] actual, double absolute, double relative) {
        if (expected.length != actual.length) {
            throw new AssertionError(
                    "%s: expected %d numbers, got %d"
                            .formatted(what, expected.length, actual.length));
        }
        int worst = -1;
        double excess = 0;
        for (int i = 0; i < expected.length; i++) {
            double difference = Math.abs((double) expected[i] - actual[i]);
            double over = difference - absolute - relative * Math.abs((double) expected[i]);
            if (!(difference <= absolute + relative * Math.abs((double) expected[i]))
                    && (worst < 0 || over > excess)) {
                worst = i;
                excess = over;
            }
        }
        if (worst >= 0) {
            throw new AssertionError(
                    "%s differs at %d of %d: expected %s, got %s, tolerance %s + %s relative"
                            .formatted(
                                    what,
                                    worst,
                                    expected.length,
                                    expected[worst],
                                    actual[worst],
                                    absolute,
                                    relative));
        }
    }

    /// The same for one number.
    public static void assertClose(
            String what, double expected, double actual, double absolute, double relative) {
        if (!(Math.abs(expected - actual) <= absolute + relative * Math.abs(expected))) {
            throw new AssertionError(
                    "%s: expected %s, got %s, tolerance %s + %s relative"
                            .formatted(what, expected, actual, absolute, relative));
        }
    }

    /// Equal integers.
    public static void assertSame(String what, int[] expected, int[] actual) {
        if (!Arrays.equals(expected, actual)) {
            throw new AssertionError(
                    "%s: expected %s, got %s"
                            .formatted(what, Arrays.toString(expected), Arrays.toString(actual)));
        }
    }
}
