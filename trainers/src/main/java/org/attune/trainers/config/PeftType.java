package org.attune.trainers.config;

/// Kind of a fresh adapter, PEFT's `peft_type`.
public enum PeftType {
    /// Low-rank updates of weights, [Hu et al. 2021](https://arxiv.org/abs/2106.09685).
    LORA,
    /// Factors of keys, values and feed-forward features, [Liu et al.
    /// 2022](https://arxiv.org/abs/2205.05638).
    IA3
}
