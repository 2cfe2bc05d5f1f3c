package org.attune.adapter;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// How a fresh adapter's matrices begin. The adapted model equals its base, but for [#RANDOM_BOTH]
/// and [#LOFTQ]: B is zero, A and B have no common direction, or what they begin as is taken out of
/// the base.
@Api(EXPERIMENTAL)
public enum LoraInitialisation {
    /// `true`: A uniform in ±1/√in (Kaiming's rule with a = √5), B zero.
    KAIMING,
    /// `"gaussian"`: A normal with standard deviation 1/r, B zero.
    GAUSSIAN,
    /// `false`: A as [#KAIMING], B random too; for tests.
    RANDOM_BOTH,
    /// `"orthogonal"`: A and B random, of rank r/2 each, with `B A = 0`.
    ORTHOGONAL,
    /// `"pissa"` and `"pissa_niter_N"`: the base's largest singular directions,
    /// [Meng et al. 2024](https://arxiv.org/abs/2404.02948).
    PISSA,
    /// `"olora"`: the first columns of Q and rows of R of the base,
    /// [Büyükakyüz 2024](https://arxiv.org/abs/2406.01775).
    OLORA,
    /// `"eva"`: A is the principal directions of what modules read in rows of the run, B zero,
    /// [Paischer et al. 2024](https://arxiv.org/abs/2410.07170).
    EVA,
    /// `"lora_ga"`: singular directions of the weight's gradient in rows of the run, taken out of
    /// the base, [Wang et al. 2024](https://arxiv.org/abs/2407.05000).
    LORA_GA,
    /// `"loftq"`: the largest singular directions of what the base lost when it was brought to few
    /// bits, [Li et al. 2023](https://arxiv.org/abs/2310.08659).
    LOFTQ;

    /// Whether rows of data are read first.
    public boolean readsRows() {
        return this == EVA || this == LORA_GA;
    }

    /// Whether the matrices begin as part of what the base has lost, so that what is trained starts
    /// nearer to the original than its base is.
    public boolean mendsBase() {
        return this == LOFTQ;
    }

    /// Whether what the matrices begin as is taken out of the base.
    public boolean takesFromBase() {
        return this == PISSA || this == OLORA || this == LORA_GA;
    }
}
