package org.attune.tensor.kernel;

import static org.attune.tensor.kernel.HostNumbers.half;
import static org.attune.tensor.kernel.HostNumbers.putHalf;
import static org.attune.tensor.kernel.HostNumbers.rounded;

/// The gated activation as `attune.cu` has it, over all rows.
final class HostGates {
    private HostGates() {}

    private static float share(float x) {
        return (float) (1 / (1 + Math.exp(-x)));
    }

    /// `attune_swiglu(gateUp, out, width, stride, outStride, rows)`.
    static void forward(Launch launch) {
        long gateUp = launch.address(0);
        int width = launch.number(2);
        for (long row = 0; row < launch.wide(5); row++) {
            for (int k = 0; k < width; k++) {
                long gate = row * launch.wide(3) + k;
                float x = half(gateUp, gate);
                float opened = rounded(x * share(x)) * half(gateUp, gate + width);
                putHalf(launch.address(1), row * launch.wide(4) + k, opened);
            }
        }
    }

    /// `attune_swiglu_back(dOut, gateUp, width, dStride, stride, rows)`.
    static void backward(Launch launch) {
        long gateUp = launch.address(1);
        int width = launch.number(2);
        for (long row = 0; row < launch.wide(5); row++) {
            for (int k = 0; k < width; k++) {
                long gate = row * launch.wide(4) + k;
                float x = half(gateUp, gate);
                float up = half(gateUp, gate + width);
                float d = half(launch.address(0), row * launch.wide(3) + k);
                float share = share(x);
                putHalf(gateUp, gate, d * up * share * (1 + x * (1 - share)));
                putHalf(gateUp, gate + width, d * (x * share));
            }
        }
    }
}
