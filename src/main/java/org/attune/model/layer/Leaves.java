package org.attune.model.layer;

import org.attune.tensor.Tensor;

import java.util.function.Consumer;

/// Who makes trained tensors leaves of a graph, in passes of ordinary operators with autograd.
@FunctionalInterface
public interface Leaves {
    /// Nothing learns.
    Leaves NONE = (parameter, _) -> parameter;

    /// @param parameter compute copy
    /// @param learner gets its gradient after the pass, float32; null: it doesn't learn
    /// @return what the graph computes with
    Tensor leaf(Tensor parameter, Consumer<Tensor> learner);

    /// Makes a parameter's leaf, whose gradient is added to a sum.
    ///
    /// @param gradient float32 sum that its gradient belongs to, or null: it doesn't learn
    /// @param scale factor on the way
    default Tensor leaf(Tensor parameter, Tensor gradient, double scale) {
        return leaf(
                parameter,
                gradient == null ? null : g -> gradient.addInPlace(scale == 1 ? g : g.mul(scale)));
    }
}
