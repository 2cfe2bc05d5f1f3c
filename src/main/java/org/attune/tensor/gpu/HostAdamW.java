package org.attune.tensor.gpu;

import org.attune.tensor.vector.AdamWKernel;

/// AdamW's update as `attune.cu` has it: that of processors, which rounds alike.
final class HostAdamW {
    private HostAdamW() {}

    /// `attune_adamw(values, gradients, first, second, count, decay, scale, beta1, rest1, beta2,
    /// rest2, rootScale, epsilon, rate)`.
    static void update(Launch launch) {
        var kernel =
                new AdamWKernel(
                        launch.real(5),
                        launch.real(6),
                        launch.real(7),
                        launch.real(8),
                        launch.real(9),
                        launch.real(10),
                        launch.real(11),
                        launch.real(12),
                        launch.real(13));
        var places =
                new AdamWKernel.Places(
                        launch.address(0), launch.address(1), launch.address(2), launch.address(3));
        kernel.run(places, launch.wide(4), 1);
    }
}
