package org.attune.trainers.sft;

/// Objectives of supervised fine-tuning, by the names of TRL and LLaMA-Factory.
public enum SftLossType {
    /// Negative log-likelihood.
    NLL,
    /// [#NLL] by a name that TRL keeps for old files.
    CHUNKED_NLL,
    /// Dynamic fine-tuning, [Wu et al. 2025](https://arxiv.org/abs/2508.05629).
    DFT,
    /// Entropy-adaptive fine-tuning, [Diao et al. 2026](https://arxiv.org/abs/2601.02151).
    EAFT,
    /// Dynamic fine-tuning held to the model at the start,
    /// [Zhu et al. 2025](https://arxiv.org/abs/2509.23753).
    ASFT;

    /// Whether tokens count alike.
    boolean isPlain() {
        return this == NLL || this == CHUNKED_NLL;
    }
}
