package org.attune.trainers.preference;

/// Range checks of loss parameters; written so that NaN fails.
final class Ranges {
    private Ranges() {}

    static void beta(double beta) {
        positive("beta", beta);
    }

    static void positive(String name, double value) {
        if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "%s must be finite and > 0, got %s".formatted(name, value));
        }
    }

    static void notNegative(String name, double value) {
        if (!(value >= 0 && value < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "%s must be finite and >= 0, got %s".formatted(name, value));
        }
    }

    static void labelSmoothing(double value, double least) {
        if (!(value >= least && value < 0.5)) {
            throw new IllegalArgumentException(
                    "label_smoothing must be in %s0, 0.5), got %s"
                            .formatted(least > 0 ? "(" : "[", value));
        }
    }
}
