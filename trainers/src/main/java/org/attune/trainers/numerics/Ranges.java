package org.attune.trainers.numerics;

/// Range checks of loss parameters; written so that NaN fails.
public final class Ranges {
    private Ranges() {}

    public static void beta(double beta) {
        positive("beta", beta);
    }

    public static void positive(String name, double value) {
        if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "%s must be finite and > 0, got %s".formatted(name, value));
        }
    }

    public static void notNegative(String name, double value) {
        if (!(value >= 0 && value < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "%s must be finite and >= 0, got %s".formatted(name, value));
        }
    }

    public static void labelSmoothing(double value, double least) {
        if (!(value >= least && value < 0.5)) {
            throw new IllegalArgumentException(
                    "label_smoothing must be in %s0, 0.5), got %s"
                            .formatted(least > 0 ? "(" : "[", value));
        }
    }
}
