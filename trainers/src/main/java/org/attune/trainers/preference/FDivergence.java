package org.attune.trainers.preference;

/// Regularisers of f-DPO, [Wang et al. 2023](https://arxiv.org/abs/2309.16240), by TRL's names.
public enum FDivergence {
    /// Plain DPO.
    REVERSE_KL,
    FORWARD_KL,
    JS_DIVERGENCE,
    /// With `f_alpha_divergence_coef`.
    ALPHA_DIVERGENCE
}
