package org.attune.trainers.grpo;

/// Objectives on groups of completions, by TRL's names.
public enum GrpoLossType {
    /// Clipped; mean over completions of their means over tokens ([Shao et al.
    /// 2024](https://arxiv.org/abs/2402.03300)).
    GRPO,
    /// Clipped; mean over the micro-batch's tokens.
    BNPO,
    /// Clipped; sum over tokens divided by `max_completion_length` ([Liu et al.
    /// 2025](https://arxiv.org/abs/2503.20783)).
    DR_GRPO,
    /// Clipped; mean over the tokens of the accumulation window ([Yu et al.
    /// 2025](https://arxiv.org/abs/2503.14476)).
    DAPO,
    /// Clipped; long completions weigh more.
    LUSPO,
    /// The capped ratio is a constant weight ([MiniMax-M1,
    /// 2025](https://arxiv.org/abs/2506.13585)).
    CISPO,
    /// A soft gate in place of the clip.
    SAPO,
    /// A weight of the whole completion's ratio.
    VESPO,
    /// Geometric mean of clipped ratios, with bounds of logarithms ([GMPO, Zhao et al.
    /// 2025](https://arxiv.org/abs/2507.20673)).
    GMPO,
    /// As `dapo`, without a few of the tokens whose log-probability and advantage vary together
    /// ([Clip-Cov, Cui et al. 2025](https://arxiv.org/abs/2505.22617)).
    CLIP_COV,
    /// Unclipped, with a penalty on tokens whose log-probability and advantage vary together most
    /// ([KL-Cov, Cui et al. 2025](https://arxiv.org/abs/2505.22617)); averaged as `dapo`.
    KL_COV,
    /// As `dapo`, with the capped ratio as a constant weight, and without tokens whose probability
    /// has moved too far already ([DPPO, Qi et al. 2026](https://arxiv.org/abs/2602.04879)).
    DPPO,
    /// As `dapo`, each token weighted by how the policy has moved on the tokens behind it
    /// ([FIPO, Qwen Pilot 2026](https://arxiv.org/abs/2603.19835)).
    FIPO,
    /// Rewards are labels, and completions of a prompt are classified by how much likelier they
    /// have become ([REAL, Zhai et al. 2026](https://arxiv.org/abs/2602.05630)).
    REAL,
    /// A completion's log-ratio to the reference is brought to its optimal advantage, which values
    /// of prompts give ([A*-PO, Brantley et al. 2025](https://arxiv.org/abs/2505.20686)).
    A2PO;

    /// Whether a completion has one term, so that weights of its tokens have no place.
    boolean isOfCompletions() {
        return this == GMPO || this == REAL || this == A2PO;
    }
}
