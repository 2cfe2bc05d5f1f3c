package org.attune.trainers.preference;

/// Objectives on preference pairs, by TRL's names where it has them.
public enum DpoLossType {
    /// [Rafailov et al. 2023, Eq. 7](https://arxiv.org/abs/2305.18290).
    SIGMOID,
    /// [Zhao et al. 2023](https://arxiv.org/abs/2305.10425).
    HINGE,
    /// [Azar et al. 2023, Eq. 17](https://arxiv.org/abs/2310.12036).
    IPO,
    /// [Ji et al. 2024](https://arxiv.org/abs/2402.00856); needs `label_smoothing` above 0.
    EXO_PAIR,
    /// [Chen et al. 2024](https://arxiv.org/abs/2402.05369).
    NCA_PAIR,
    /// [Chowdhury et al. 2024](https://arxiv.org/abs/2403.00409).
    ROBUST,
    /// [Jung et al. 2024](https://arxiv.org/abs/2404.04656).
    BCO_PAIR,
    /// [Wu et al. 2024](https://arxiv.org/abs/2405.00675), hard labels.
    SPPO_HARD,
    /// [Melnyk et al. 2024](https://arxiv.org/abs/2406.05882), paired.
    AOT,
    /// The same, unpaired.
    AOT_UNPAIRED,
    /// [D'Oosterlinck et al. 2024](https://arxiv.org/abs/2408.06266).
    APO_ZERO,
    /// The same source.
    APO_DOWN,
    /// [Lu et al. 2024](https://arxiv.org/abs/2406.08414).
    DISCOPOP,
    /// Negative log-likelihood of the chosen completions.
    SFT,
    /// Sigmoid on log-ratios per token.
    SIGMOID_NORM,
    /// DPO-Positive, [Pal et al. 2024](https://arxiv.org/abs/2402.13228); Attune's, not in TRL.
    DPOP
}
