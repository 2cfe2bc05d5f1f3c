package org.attune.trainers.referencefree;

/// Objectives of CPO's family, by TRL's names.
public enum CpoLossType {
    /// CPO, [Xu et al. 2024](https://arxiv.org/abs/2401.08417).
    SIGMOID,
    /// [Zhao et al. 2023](https://arxiv.org/abs/2305.10425).
    HINGE,
    /// [Azar et al. 2023](https://arxiv.org/abs/2310.12036), without its reference.
    IPO,
    /// [Meng et al. 2024](https://arxiv.org/abs/2405.14734).
    SIMPO,
    /// [Gupta et al. 2025](https://arxiv.org/abs/2501.03884): SimPO with `alpha` and without
    /// `cpo_alpha`.
    ALPHAPO
}
