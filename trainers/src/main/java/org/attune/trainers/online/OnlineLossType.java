package org.attune.trainers.online;

/// Objectives on pairs that were generated, by TRL's names.
public enum OnlineLossType {
    /// [Rafailov et al. 2023](https://arxiv.org/abs/2305.18290).
    SIGMOID,
    /// [Azar et al. 2023](https://arxiv.org/abs/2310.12036).
    IPO
}
