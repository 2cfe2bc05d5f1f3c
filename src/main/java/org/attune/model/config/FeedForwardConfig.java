package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.List;
import java.util.Optional;

/// Feed-forward part of every block.
///
/// @param inner      width inside of it, the largest where they differ
/// @param gated      whether an activated gate is multiplied by a second projection
/// @param activation of the gate, or of the only projection
/// @param bias       whether its projections have biases
/// @param experts    what other layers than the [dense][ExpertsConfig#dense] ones have instead, or
///     [beside it][ExpertsConfig#beside]
/// @param factors    of the activated gate's input and of what comes out
/// @param inners     width of each layer's; empty: all have the same
/// @param closed     share of gates that each layer closes, if they were normally distributed
///     ([You et al. 2025](https://arxiv.org/abs/2506.06644)); empty: none are closed
public record FeedForwardConfig(
        int inner,
        boolean gated,
        Activation activation,
        boolean bias,
        Optional<ExpertsConfig> experts,
        Factors factors,
        List<Integer> inners,
        List<Double> closed) {
    /// Factors, as Falcon-H1 has them.
    ///
    /// @param gate of the projected gate
    /// @param out of the output
    public record Factors(double gate, double out) {
        /// None.
        public static final Factors ONES = new Factors(1, 1);
    }

    /// @throws ModelException if the activation isn't computed in such a part
    public FeedForwardConfig {
        if (activation == Activation.XIELU && (gated || bias || experts.isPresent())) {
            throw new ModelException(
                    "the activation is xielu; accepted in feed-forward parts without gates, biases"
                            + " and experts");
        }
        inners = List.copyOf(inners);
        closed = List.copyOf(closed);
        for (double share : closed) {
            if (!(share >= 0 && share < 1)) {
                throw new ModelException(
                        "activation_sparsity_pattern has " + share + "; accepted: [0, 1)");
            }
        }
    }

    /// A feed-forward part that is as wide in all layers.
    public FeedForwardConfig(
            int inner,
            boolean gated,
            Activation activation,
            boolean bias,
            Optional<ExpertsConfig> experts,
            Factors factors) {
        this(inner, gated, activation, bias, experts, factors, List.of(), List.of());
    }

    /// A feed-forward part without factors.
    public FeedForwardConfig(
            int inner,
            boolean gated,
            Activation activation,
            boolean bias,
            Optional<ExpertsConfig> experts) {
        this(inner, gated, activation, bias, experts, Factors.ONES);
    }

    /// A feed-forward part without experts.
    public FeedForwardConfig(int inner, boolean gated, Activation activation, boolean bias) {
        this(inner, gated, activation, bias, Optional.empty());
    }

    /// A part with other factors.
    FeedForwardConfig withFactors(Factors others) {
        return new FeedForwardConfig(
                inner, gated, activation, bias, experts, others, inners, closed);
    }

    /// A part with its own width in each layer.
    FeedForwardConfig withInners(List<Integer> widths) {
        int most = widths.stream().mapToInt(Integer::intValue).max().orElse(inner);
        return new FeedForwardConfig(
                most, gated, activation, bias, experts, factors, widths, closed);
    }

    /// A part that closes a share of gates in each layer.
    FeedForwardConfig withClosed(List<Double> shares) {
        return new FeedForwardConfig(
                inner, gated, activation, bias, experts, factors, inners, shares);
    }

    /// The share of gates that a layer closes; 0 is none.
    public double closed(int layer) {
        return closed.isEmpty() ? 0 : closed.get(layer);
    }

    /// Width inside of the part of a layer.
    public int inner(int layer) {
        return inners.isEmpty() ? inner : inners.get(layer);
    }

    /// Whether a layer has a part that all tokens take.
    public boolean isDense(int layer) {
        return experts(layer).map(ExpertsConfig::beside).orElse(true);
    }

    /// The experts of a layer, if it has some.
    public Optional<ExpertsConfig> experts(int layer) {
        return experts.filter(e -> !e.dense().contains(layer));
    }

    /// Matrices of `inner` rows or columns.
    public int matrices() {
        return gated ? 3 : 2;
    }

    /// How many of the projections into it each tensor of a file holds.
    ///
    /// @param tensors that hold all of them
    public int projectionsIn(int tensors) {
        return (matrices() - 1) / tensors;
    }
}
