package org.attune.tensor.kernel;

import static org.attune.tensor.kernel.HostNumbers.half;
import static org.attune.tensor.kernel.HostNumbers.putHalf;
import static org.attune.tensor.kernel.HostNumbers.putReal;
import static org.attune.tensor.kernel.HostNumbers.real;

/// Sums and copies of matrices as `attune.cu` has them, over all rows.
final class HostMatrices {
    private HostMatrices() {}

    /// `attune_add_bias(x, bias, width, stride, rows)`.
    static void addBias(Launch launch) {
        for (long row = 0; row < launch.wide(4); row++) {
            for (int k = 0; k < launch.number(2); k++) {
                long at = row * launch.wide(3) + k;
                float sum = half(launch.address(0), at) + half(launch.address(1), k);
                putHalf(launch.address(0), at, sum);
            }
        }
    }

    /// `attune_accumulate(sum, x, rows, columns, sumRow, sumColumn, row, column, factor)`.
    static void accumulate(Launch launch) {
        for (long row = 0; row < launch.wide(2); row++) {
            for (int k = 0; k < launch.number(3); k++) {
                long to = row * launch.wide(4) + k * launch.wide(5);
                float x = half(launch.address(1), row * launch.wide(6) + k * launch.wide(7));
                float sum = real(launch.address(0), to) + x * launch.real(8);
                putReal(launch.address(0), to, sum);
            }
        }
    }

    /// `attune_copy(from, to, rows, columns, fromRow, fromColumn, toRow, toColumn, factor)`.
    static void copy(Launch launch) {
        for (long row = 0; row < launch.wide(2); row++) {
            for (int k = 0; k < launch.number(3); k++) {
                long from = row * launch.wide(4) + k * launch.wide(5);
                long to = row * launch.wide(6) + k * launch.wide(7);
                putHalf(launch.address(1), to, real(launch.address(0), from) * launch.real(8));
            }
        }
    }
}
