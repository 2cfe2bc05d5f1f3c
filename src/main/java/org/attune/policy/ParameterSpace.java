package org.attune.policy;

import org.attune.tensor.Tensor;

import java.util.List;

/// All trained parameters, flat: one float32 tensor of values and one of gradients, so that
/// clipping, optimizer and checkpoints are a few operations whatever the number of parameters.
public interface ParameterSpace {
    /// Master values, `(P)` float32.
    Tensor values();

    /// Gradients, `(P)` float32; evaluations add to them, the trainer zeroes them.
    Tensor gradients();

    /// The parameters in flat order, without gaps.
    List<Parameter> parameters();

    /// How many numbers are trained.
    default long count() {
        return parameters().stream().mapToLong(Parameter::count).sum();
    }

    /// Call after [#values] changed: refreshes the compute copies.
    void valuesChanged();

    /// @param name PEFT's on-disk name for adapters, the model's own name for full fine-tuning
    /// @param shape row-major shape
    /// @param offset first element in the flat tensors
    /// @param decays whether weight decay applies (not for biases and norms)
    record Parameter(String name, long[] shape, long offset, boolean decays) {
        public long count() {
            long n = 1;
            for (long d : shape) {
                n *= d;
            }
            return n;
        }
    }
}
