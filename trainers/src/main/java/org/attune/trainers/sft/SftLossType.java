package org.attune.trainers.sft;

/// Objectives of supervised fine-tuning, by TRL's names.
public enum SftLossType {
    /// Negative log-likelihood.
    NLL,
    /// Dynamic fine-tuning, [Wu et al. 2025](https://arxiv.org/abs/2508.05629).
    DFT
}
