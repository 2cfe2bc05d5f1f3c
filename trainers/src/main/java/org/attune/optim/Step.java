package org.attune.optim;

import org.attune.tensor.Tensor;

import java.util.Optional;

/// An update of the parameters.
///
/// @param number from 1
/// @param learningRate ≥ 0
/// @param gradientScale factor on the gradients
/// @param clipping on the device, in place of that factor: see
///     [org.attune.tensor.DeviceKernels#clip]
/// @param shared the [shared numbers of state][OptimizerKind#shared], as of this update
public record Step(
        long number,
        double learningRate,
        double gradientScale,
        Optional<Tensor> clipping,
        double[] shared) {
    /// A step with a factor that the host knows.
    public Step(long number, double learningRate, double gradientScale, double[] shared) {
        this(number, learningRate, gradientScale, Optional.empty(), shared);
    }

    /// The update as parameters see it that have learned from another number of updates on.
    Step withNumber(long own) {
        return new Step(own, learningRate, gradientScale, clipping, shared);
    }
}
