package org.attune.examples.margin;

/// A hinge on the difference of two completions' mean log-probabilities:
/// ```
/// L = max(0, γ − d),     d = mean log π(y_w | x) − mean log π(y_l | x)
/// ```
///
/// @param gamma γ, the difference that is enough; nats per token, > 0
record MarginLoss(double gamma) {
    MarginLoss {
        if (!(gamma > 0)) {
            throw new IllegalArgumentException("gamma must be > 0, got " + gamma);
        }
    }

    /// @param loss L ≥ 0
    /// @param slope ∂L/∂d
    record Value(double loss, double slope) {}

    Value of(double difference) {
        double lack = gamma - difference;
        return lack > 0 ? new Value(lack, -1) : new Value(0, 0);
    }
}
