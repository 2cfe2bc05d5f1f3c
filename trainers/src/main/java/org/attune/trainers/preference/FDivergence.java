package org.attune.trainers.preference;

import java.util.function.DoubleFunction;

/// Regularisers of f-DPO, [Wang et al. 2023](https://arxiv.org/abs/2309.16240), by TRL's names. A
/// constant is the factory of its divergence.
public enum FDivergence {
    /// Plain DPO.
    REVERSE_KL(_ -> new Divergence.ReverseKl()),
    FORWARD_KL(_ -> new Divergence.ForwardKl()),
    JS_DIVERGENCE(_ -> new Divergence.JensenShannon()),
    /// The α-divergence, with `f_alpha_divergence_coef`.
    ALPHA_DIVERGENCE(Divergence.Alpha::new);

    private final DoubleFunction<Divergence> factory;

    FDivergence(DoubleFunction<Divergence> factory) {
        this.factory = factory;
    }

    /// @param alpha used by `alpha_divergence`
    Divergence of(double alpha) {
        return factory.apply(alpha);
    }
}
