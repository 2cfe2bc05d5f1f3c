package org.attune.trainers.grpo;

/// What the importance ratio is taken of; TRL's `importance_sampling_level`.
public enum ImportanceSamplingLevel {
    /// Each token has its own.
    TOKEN,
    /// A completion has the exponential of its mean log-ratio
    /// ([GSPO, Zheng et al. 2025](https://arxiv.org/abs/2507.18071)).
    SEQUENCE,
    /// The completion's, with the gradient of each token's alone
    /// ([GSPO-token](https://arxiv.org/abs/2507.18071)).
    SEQUENCE_TOKEN
}
