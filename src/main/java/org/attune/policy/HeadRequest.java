package org.attune.policy;

import java.util.EnumSet;
import java.util.Set;

/// What an evaluation asks of the output head.
///
/// @param statistics reported beside the log-probability
/// @param temperature divides the logits; > 0
public record HeadRequest(Set<HeadStatistic> statistics, double temperature) {
    public HeadRequest {
        statistics = Set.copyOf(statistics);
        if (!(temperature > 0 && temperature < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "temperature must be finite and > 0, got " + temperature);
        }
    }

    /// Log-probabilities at temperature 1 with these statistics.
    public static HeadRequest of(HeadStatistic... statistics) {
        return new HeadRequest(
                statistics.length == 0 ? Set.of() : EnumSet.of(statistics[0], statistics), 1.0);
    }
}
