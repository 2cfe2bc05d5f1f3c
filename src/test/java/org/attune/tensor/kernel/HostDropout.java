package org.attune.tensor.kernel;

import org.attune.tensor.vector.KeptNumbers;

/// Dropout as `attune.cu` has it, over all rows.
final class HostDropout {
    private static final long ONES = (1L << Short.SIZE) - 1;

    private HostDropout() {}

    /// `attune_dropout(x, out, stream, dropped, width, stride, outStride, firstRow, rows)`.
    static void drop(Launch launch) {
        var kept = new KeptNumbers(launch.wide(2), launch.number(3));
        int width = launch.number(4);
        for (long row = 0; row < launch.wide(8); row++) {
            for (int k = 0; k < width / KeptNumbers.TOGETHER; k++) {
                long first = (long) k * KeptNumbers.TOGETHER;
                long from = launch.address(0) + (row * launch.wide(5) + first) * Short.BYTES;
                long to = launch.address(1) + (row * launch.wide(6) + first) * Short.BYTES;
                long four = kept.four(launch.wide(7) + row, width, k);
                HostNumbers.copyKept(from, to, four * ONES);
            }
        }
    }
}
