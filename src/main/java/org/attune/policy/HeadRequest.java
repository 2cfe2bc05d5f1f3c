package org.attune.policy;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What an evaluation asks of the output head.
///
/// @param statistics reported beside the log-probability
/// @param temperature divides the logits; > 0
/// @param learned those of `statistics` whose gradients the backward pass will be given; ENTROPY,
///     DIVERGENCE, VALUE and STATE have one
/// @param term what DIVERGENCE is, if it is among `statistics`
/// @param labelSmoothing `ε`, from 0 to 1. Above 0 a target's log-probability and its gradient are
///     those of the smoothed label: `(1 − ε) log p(target) + ε/V Σ log p(v)` over the vocabulary
///     ([Szegedy et al. 2016](https://arxiv.org/abs/1512.00567), section 7)
/// @param drawable ids that each target was drawn from, the target's among them, `(M)`: the
///     distribution that is asked about is the one that these tokens have alone, renormalised. None
///     for a target that all tokens were possible for; empty: that is so for all
@Api(EXPERIMENTAL)
public record HeadRequest(
        Set<HeadStatistic> statistics,
        double temperature,
        Set<HeadStatistic> learned,
        Optional<HeadTerm> term,
        double labelSmoothing,
        List<int[]> drawable) {
    private static final Set<HeadStatistic> DIFFERENTIABLE =
            EnumSet.of(
                    HeadStatistic.ENTROPY,
                    HeadStatistic.DIVERGENCE,
                    HeadStatistic.VALUE,
                    HeadStatistic.STATE);

    public HeadRequest {
        statistics = Set.copyOf(statistics);
        learned = Set.copyOf(learned);
        drawable = List.copyOf(drawable);
        if (!(temperature > 0 && temperature < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "temperature must be finite and > 0, got " + temperature);
        }
        if (statistics.contains(HeadStatistic.DIVERGENCE) != term.isPresent()) {
            throw new IllegalArgumentException(
                    "DIVERGENCE and a term belong together, but %s and %s were given"
                            .formatted(statistics, term));
        }
        if (!statistics.containsAll(learned) || !DIFFERENTIABLE.containsAll(learned)) {
            throw new IllegalArgumentException(
                    "%s can't be learned from; accepted: those of %s that are asked for"
                            .formatted(learned, DIFFERENTIABLE));
        }
        if (!drawable.isEmpty() && (term.isPresent() || labelSmoothing != 0)) {
            throw new IllegalArgumentException(
                    "tokens that could be drawn go with neither a term nor label smoothing");
        }
        if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
            throw new IllegalArgumentException(
                    "labelSmoothing must be in [0, 1], got " + labelSmoothing);
        }
    }

    /// A request without label smoothing.
    public HeadRequest(
            Set<HeadStatistic> statistics,
            double temperature,
            Set<HeadStatistic> learned,
            Optional<HeadTerm> term) {
        this(statistics, temperature, learned, term, 0, List.of());
    }

    /// Sets the label smoothing.
    public HeadRequest withLabelSmoothing(double changed) {
        return new HeadRequest(statistics, temperature, learned, term, changed, drawable);
    }

    /// Asks about the distributions that targets were drawn from, where tokens were left out.
    ///
    /// @param ids as in the component `drawable`
    public HeadRequest within(List<int[]> ids) {
        return new HeadRequest(statistics, temperature, learned, term, labelSmoothing, ids);
    }

    /// A request without a term.
    public HeadRequest(
            Set<HeadStatistic> statistics, double temperature, Set<HeadStatistic> learned) {
        this(statistics, temperature, learned, Optional.empty());
    }

    /// A term to learn from, beside other statistics.
    public static HeadRequest of(HeadTerm term, double temperature, HeadStatistic... others) {
        Set<HeadStatistic> statistics = EnumSet.of(HeadStatistic.DIVERGENCE, others);
        Set<HeadStatistic> learned = EnumSet.of(HeadStatistic.DIVERGENCE);
        return new HeadRequest(statistics, temperature, learned, Optional.of(term));
    }

    /// Statistics without gradients.
    public HeadRequest(Set<HeadStatistic> statistics, double temperature) {
        this(statistics, temperature, Set.of());
    }

    /// Hidden states to learn from, in place of log-probabilities.
    public static HeadRequest ofStates() {
        Set<HeadStatistic> state = EnumSet.of(HeadStatistic.STATE);
        return new HeadRequest(state, 1, state);
    }

    /// Log-probabilities at temperature 1 with these statistics.
    public static HeadRequest of(HeadStatistic... statistics) {
        return new HeadRequest(
                statistics.length == 0 ? Set.of() : EnumSet.of(statistics[0], statistics), 1.0);
    }
}
