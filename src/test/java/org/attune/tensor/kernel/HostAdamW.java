package org.attune.tensor.kernel;

import static org.attune.tensor.kernel.HostNumbers.putWide;
import static org.attune.tensor.kernel.HostNumbers.real;
import static org.attune.tensor.kernel.HostNumbers.wide;

import org.attune.tensor.vector.AdamWKernel;

/// AdamW's update as `attune.cu` has it: that of processors, which rounds alike.
final class HostAdamW {
    private HostAdamW() {}

    /// `attune_adamw(values, gradients, first, second, clipping, count, decay, scale, beta1, rest1,
    /// beta2, rest2, rootScale, epsilon, rate)`.
    static void update(Launch launch) {
        long clipping = launch.address(4);
        float scale = clipping == 0 ? launch.real(7) : (float) wide(clipping, 1);
        if (!(scale >= 0)) {
            return;
        }
        var kernel =
                new AdamWKernel(
                        launch.real(6),
                        scale,
                        launch.real(8),
                        launch.real(9),
                        launch.real(10),
                        launch.real(11),
                        launch.real(12),
                        launch.real(13),
                        launch.real(14));
        var places =
                new AdamWKernel.Places(
                        launch.address(0), launch.address(1), launch.address(2), launch.address(3));
        kernel.run(places, launch.wide(5), 1);
    }

    /// `attune_clip(parts, clipping, count, largest)`.
    static void clip(Launch launch) {
        double sum = 0;
        for (int i = 0; i < launch.number(2); i++) {
            sum += real(launch.address(0), i);
        }
        double norm = Math.sqrt(sum);
        double most = Double.longBitsToDouble(launch.wide(3));
        double factor = most == 0 ? 1 : Math.min(1, most / (norm + 1e-6));
        putWide(launch.address(1), 0, norm);
        putWide(launch.address(1), 1, Double.isFinite(norm) ? factor : Double.NaN);
    }
}
