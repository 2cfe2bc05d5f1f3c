package org.attune.model.pass;

import org.attune.tensor.Tensor;

/// What is kept of a block's forward pass, of shapes as in [AttentionHalf.Kept] and
/// [DenseHalf.Kept], for all rows or for some.
///
/// @param qkv null where queries and keys are normed: the norms' backward pass needs what they were
///     before, so that the projection is computed again
/// @param downColumns null without an adapter there
public record KeptRows(
        Tensor x, Tensor qkv, Tensor ox, Tensor x2, Tensor gateUp, Tensor downColumns) {}
