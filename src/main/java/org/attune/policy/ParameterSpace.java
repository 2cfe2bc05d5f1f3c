package org.attune.policy;

import org.attune.tensor.Tensor;

import java.util.List;
import java.util.function.IntConsumer;

/// All trained parameters, flat: one float32 tensor of values and one of gradients, so that
/// clipping, optimizer and checkpoints are a few operations whatever the number of parameters.
public interface ParameterSpace {
    /// Master values, `(P)` float32.
    Tensor values();

    /// Gradients, float32; evaluations add to them, the trainer zeroes them. `(P)`, or fewer where
    /// [groups share memory][#sharesGradients].
    Tensor gradients();

    /// The parameters in flat order, without gaps.
    List<Parameter> parameters();

    /// The parameters by the time at which a backward pass has finished their gradients, the first
    /// ones first. A group stands in flat order.
    default List<List<Parameter>> groups() {
        return List.of(parameters());
    }

    /// First element of a parameter's gradient in [#gradients]. Neighbours in the flat order that
    /// are of one group are neighbours there too.
    default long gradientOffset(Parameter parameter) {
        return parameter.offset();
    }

    /// Whether groups take turns in the memory of gradients. Each gradient must then be used and
    /// zeroed as soon as it is there ([#whenComplete]), and only one backward pass can add to it.
    default boolean sharesGradients() {
        return false;
    }

    /// Says what is done with a group's gradient when a backward pass has finished it, before the
    /// pass goes on. The number is that of [#groups]. A second call replaces the first.
    ///
    /// @throws UnsupportedOperationException unless groups share memory
    default void whenComplete(IntConsumer use) {
        throw new UnsupportedOperationException("gradients of all parameters are kept");
    }

    /// How many numbers are trained.
    default long count() {
        return parameters().stream().mapToLong(Parameter::count).sum();
    }

    /// Call after [#values] changed: refreshes the compute copies.
    void valuesChanged();

    /// The same where only those of one group changed.
    default void valuesChanged(int group) {
        valuesChanged();
    }

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
