package org.attune.model.config;

import java.util.Optional;

/// Feed-forward part of every block.
///
/// @param inner      width inside of it
/// @param gated      whether an activated gate is multiplied by a second projection
/// @param activation of the gate, or of the only projection
/// @param bias       whether its projections have biases
/// @param experts    what other layers than the [dense][ExpertsConfig#dense] ones have instead
public record FeedForwardConfig(
        int inner,
        boolean gated,
        Activation activation,
        boolean bias,
        Optional<ExpertsConfig> experts) {
    /// A feed-forward part without experts.
    public FeedForwardConfig(int inner, boolean gated, Activation activation, boolean bias) {
        this(inner, gated, activation, bias, Optional.empty());
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
