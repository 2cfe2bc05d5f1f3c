package org.attune.model;

import org.attune.tensor.Tensor;

/// One LoRA update of one projection, `y += s (x Aᵀ) Bᵀ`. `A` and `B` are compute copies.
///
/// @param part number of the projection inside its [FusedLinear]
/// @param rank columns of `B`
/// @param scaling `s`
/// @param scaledA `s · A`, `(rank, in)`
/// @param b `B`, `(out, rank)`
/// @param gradientA float32 `(rank, in)` that backward passes add to, or null if frozen
/// @param gradientB float32 `(out, rank)` likewise
public record LowRank(
        int part,
        int rank,
        double scaling,
        Tensor scaledA,
        Tensor b,
        Tensor gradientA,
        Tensor gradientB) {}
