package org.attune.trainers.config;

/// Kind of a fresh adapter, PEFT's `peft_type`.
public enum PeftType {
    /// Low-rank updates of weights, [Hu et al. 2021](https://arxiv.org/abs/2106.09685).
    LORA,
    /// Factors of keys, values and feed-forward features, [Liu et al.
    /// 2022](https://arxiv.org/abs/2205.05638).
    IA3,
    /// Products of two low-rank matrices element by element, [Hyeon-Woo et al.
    /// 2021](https://arxiv.org/abs/2108.06098).
    LOHA,
    /// Kronecker products, [Yeh et al. 2023](https://arxiv.org/abs/2309.14859).
    LOKR,
    /// Rotations of input features in blocks, [Qiu et al.
    /// 2023](https://arxiv.org/abs/2306.07280).
    OFT,
    /// Rotations of input features in blocks with factors of output features, [Liu et al.
    /// 2023](https://arxiv.org/abs/2311.06243).
    BOFT,
    /// Few coefficients of the update's spectrum, [Gao et al.
    /// 2024](https://arxiv.org/abs/2405.03003).
    FOURIERFT,
    /// Factors around two random matrices that all modules share, [Kopiczko et al.
    /// 2023](https://arxiv.org/abs/2310.11454).
    VERA,
    /// Norms, trained whole, [Zhao et al. 2023](https://arxiv.org/abs/2312.11420).
    LN_TUNING,
    /// Reflections of input features, [Yuan et al. 2024](https://arxiv.org/abs/2405.17484).
    HRA,
    /// Rows of some tokens in the embedding.
    TRAINABLE_TOKENS,
    /// Low-rank updates whose ranks go where they matter, [Zhang et al.
    /// 2023](https://arxiv.org/abs/2303.10512).
    ADALORA,
    /// Vectors in place of embeddings before every sequence, [Lester et al.
    /// 2021](https://arxiv.org/abs/2104.08691).
    PROMPT_TUNING,
    /// Keys and values of each layer before every sequence, [Li and Liang
    /// 2021](https://arxiv.org/abs/2101.00190).
    PREFIX_TUNING,
    /// Vectors before every sequence that a small network makes, [Liu et al.
    /// 2021](https://arxiv.org/abs/2103.10385).
    P_TUNING
}
