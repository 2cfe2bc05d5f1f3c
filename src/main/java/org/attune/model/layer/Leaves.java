package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// Who makes trained tensors leaves of a graph, in passes of ordinary operators with autograd.
@FunctionalInterface
public interface Leaves {
    /// Nothing learns.
    Leaves NONE = (parameter, _, _) -> parameter;

    /// @param parameter compute copy
    /// @param gradient float32 sum that its gradient belongs to, or null: it doesn't learn
    /// @param scale factor on the way
    /// @return what the graph computes with
    Tensor leaf(Tensor parameter, Tensor gradient, double scale);
}
