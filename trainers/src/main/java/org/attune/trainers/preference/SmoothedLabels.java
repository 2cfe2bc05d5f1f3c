package org.attune.trainers.preference;

import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.trainers.numerics.Ranges;

/// The logarithms of a pair's two labels, `1 - ε` and `ε`, as EXO has them in TRL: float32 numbers,
/// whatever the model's type, by PyTorch's own functions. One in twenty of these is not the nearest
/// float32 number, so Java's can't take their place.
///
/// @param logRight `log(1 - ε)`
/// @param logFlipped `log ε`
record SmoothedLabels(double logRight, double logFlipped) {
    /// Computed once, on the engine thread.
    ///
    /// @param labelSmoothing ε in (0, 0.5)
    static SmoothedLabels of(double labelSmoothing) {
        Ranges.labelSmoothing(labelSmoothing, Double.MIN_VALUE);
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("preference.labels")) {
                        float[] epsilon = {(float) labelSmoothing};
                        Tensor label = Tensor.of(Device.cpu(), epsilon, 1); // (1)
                        return new SmoothedLabels(
                                label.mul(-1).log1p().toFloats()[0], label.log().toFloats()[0]);
                    }
                });
    }
}
