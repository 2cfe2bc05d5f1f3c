package org.attune.trainers.prepare;

import org.attune.error.DatasetException;

/// How much a message or a row counts in the loss: a number from 0 on that float32 can hold.
final class LossWeight {
    private LossWeight() {}

    /// @param owner what has the weight, for messages: as "message 2 has the weight"
    /// @throws DatasetException if it is no such number
    static double of(String owner, Object given) {
        if (given instanceof Number value
                && value.doubleValue() >= 0
                && value.floatValue() < Float.MAX_VALUE) {
            return value.doubleValue();
        }
        throw new DatasetException(
                "%s %s; accepted: a number >= 0, 0 leaves it out of the loss"
                        .formatted(owner, given instanceof String text ? quoted(text) : given));
    }

    private static String quoted(String text) {
        return '"' + text + '"';
    }
}
