package org.attune.tensor.kernel;

import static org.attune.tensor.kernel.HostNumbers.half;
import static org.attune.tensor.kernel.HostNumbers.putHalf;
import static org.attune.tensor.kernel.HostNumbers.putReal;
import static org.attune.tensor.kernel.HostNumbers.real;
import static org.attune.tensor.kernel.HostNumbers.rounded;

/// RMS norms as `attune.cu` has them, a block a row.
final class HostNorms {
    private HostNorms() {}

    /// `attune_add_norm(x, residual, weight, sum, out, r, width, stride, outStride, epsilon)`.
    static void forward(Launch launch) {
        long x = launch.address(0);
        long residual = launch.address(1);
        long weight = launch.address(2);
        long sum = residual == 0 ? x : launch.address(3);
        long out = launch.address(4);
        long r = launch.address(5);
        int width = launch.number(6);
        for (int row = 0; row < launch.blocks(); row++) {
            long first = row * launch.wide(7);
            double squares = 0;
            for (int k = 0; k < width; k++) {
                if (residual != 0) {
                    putHalf(sum, first + k, half(x, first + k) + half(residual, first + k));
                }
                double value = half(sum, first + k);
                squares += value * value;
            }
            float factor = (float) (1 / Math.sqrt(squares / width + launch.real(9)));
            if (r != 0) {
                putReal(r, row, factor);
            }
            for (int k = 0; k < width; k++) {
                float normed = rounded(half(sum, first + k) * factor);
                putHalf(out, row * launch.wide(8) + k, normed * half(weight, k));
            }
        }
    }

    /// `attune_head_norm(x, queryWeight, keyWeight, queries, keys, headDim, stride, epsilon)`.
    static void heads(Launch launch) {
        int queries = launch.number(3);
        int heads = queries + launch.number(4);
        int size = launch.number(5);
        for (int block = 0; block < launch.blocks(); block++) {
            int head = block % heads;
            long first = block / heads * launch.wide(6) + (long) head * size;
            long weight = launch.address(head < queries ? 1 : 2);
            double squares = 0;
            for (int k = 0; k < size; k++) {
                double value = half(launch.address(0), first + k);
                squares += value * value;
            }
            float factor = (float) (1 / Math.sqrt(squares / size + launch.real(7)));
            for (int k = 0; k < size; k++) {
                float normed = rounded(half(launch.address(0), first + k) * factor);
                putHalf(launch.address(0), first + k, normed * half(weight, k));
            }
        }
    }

    /// `attune_norm_back(dy, x, weight, r, residual, dx, width, dyStride, stride)`.
    static void backward(Launch launch) {
        long dy = launch.address(0);
        long x = launch.address(1);
        long weight = launch.address(2);
        long residual = launch.address(4);
        int width = launch.number(6);
        for (int row = 0; row < launch.blocks(); row++) {
            long firstDy = row * launch.wide(7);
            long first = row * launch.wide(8);
            float factor = real(launch.address(3), row);
            double product = 0;
            for (int k = 0; k < width; k++) {
                float g = half(dy, firstDy + k) * half(weight, k);
                product += (double) g * (half(x, first + k) * factor);
            }
            float mean = (float) (product / width);
            for (int k = 0; k < width; k++) {
                float g = half(dy, firstDy + k) * half(weight, k);
                float change = factor * (g - half(x, first + k) * factor * mean);
                putHalf(launch.address(5), first + k, change + half(residual, first + k));
            }
        }
    }
}
