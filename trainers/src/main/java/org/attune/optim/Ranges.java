package org.attune.optim;

/// Ranges of an optimizer's settings.
final class Ranges {
    private Ranges() {}

    static void decay(String key, double value) {
        require(value >= 0 && value < 1, key + " must be in [0, 1)", value);
    }

    static void notNegative(String key, double value) {
        require(value >= 0 && Double.isFinite(value), key + " must be >= 0", value);
    }

    static void positive(String key, double value) {
        require(value > 0 && Double.isFinite(value), key + " must be > 0", value);
    }

    static void require(boolean holds, String what, Object value) {
        if (!holds) {
            throw new IllegalArgumentException(what + ", got " + value);
        }
    }
}
