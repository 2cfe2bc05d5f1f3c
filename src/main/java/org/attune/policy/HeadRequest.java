package org.attune.policy;

import java.util.EnumSet;
import java.util.Set;

/// What an evaluation asks of the output head.
///
/// @param statistics reported beside the log-probability
/// @param temperature divides the logits; > 0
/// @param learned those of `statistics` whose gradients the backward pass will be given; ENTROPY
///     and VALUE have one
public record HeadRequest(
        Set<HeadStatistic> statistics, double temperature, Set<HeadStatistic> learned) {
    private static final Set<HeadStatistic> DIFFERENTIABLE =
            EnumSet.of(HeadStatistic.ENTROPY, HeadStatistic.VALUE);

    public HeadRequest {
        statistics = Set.copyOf(statistics);
        learned = Set.copyOf(learned);
        if (!(temperature > 0 && temperature < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "temperature must be finite and > 0, got " + temperature);
        }
        if (!statistics.containsAll(learned) || !DIFFERENTIABLE.containsAll(learned)) {
            throw new IllegalArgumentException(
                    "%s can't be learned from; accepted: those of %s that are asked for"
                            .formatted(learned, DIFFERENTIABLE));
        }
    }

    /// Statistics without gradients.
    public HeadRequest(Set<HeadStatistic> statistics, double temperature) {
        this(statistics, temperature, Set.of());
    }

    /// Log-probabilities at temperature 1 with these statistics.
    public static HeadRequest of(HeadStatistic... statistics) {
        return new HeadRequest(
                statistics.length == 0 ? Set.of() : EnumSet.of(statistics[0], statistics), 1.0);
    }
}
