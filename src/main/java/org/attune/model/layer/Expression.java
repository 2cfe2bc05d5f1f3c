package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// How a part of a block is computed: which adapter its weights have, and whether autograd records.
public interface Expression extends FeedForward.Products {
    /// The numbers of a weight.
    Tensor value(Weight weight);
}
