package org.attune.tensor.kernel;

import static org.attune.tensor.kernel.HostNumbers.half;
import static org.attune.tensor.kernel.HostNumbers.putHalf;
import static org.attune.tensor.kernel.HostNumbers.putReal;
import static org.attune.tensor.kernel.HostNumbers.real;
import static org.attune.tensor.kernel.HostNumbers.whole;

/// Attention of new tokens over a cache as `attune.cu` has it, part by part.
final class HostAttention {
    /// Numbers of a part behind its sums: the largest score, the sum of weights.
    private static final int BEHIND = 2;

    private HostAttention() {}

    /// The keys that one row sees in one part.
    ///
    /// @param query address of the head's first number
    /// @param keys address of the first key's first number
    /// @param values of the values
    /// @param out of what is made
    private record Part(long query, long keys, long values, long out, int headDim) {
        private double score(int key) {
            double score = 0;
            for (int k = 0; k < headDim; k++) {
                score += (double) half(query, k) * half(keys, (long) key * headDim + k);
            }
            return score;
        }

        /// @param count of keys, ≥ 1
        void run(int count) {
            double[] weights = new double[count];
            double largest = Double.NEGATIVE_INFINITY;
            for (int key = 0; key < count; key++) {
                weights[key] = score(key);
                largest = Math.max(largest, weights[key]);
            }
            double total = 0;
            for (int key = 0; key < count; key++) {
                weights[key] = Math.exp(weights[key] - largest);
                total += weights[key];
            }
            for (int k = 0; k < headDim; k++) {
                double sum = 0;
                for (int key = 0; key < count; key++) {
                    sum += weights[key] * half(values, (long) key * headDim + k);
                }
                putReal(out, k, (float) sum);
            }
            putReal(out, headDim, (float) largest);
            putReal(out, headDim + 1L, (float) total);
        }
    }

    /// `attune_attend(x, cache, slots, places, partial, queries, keys, headDim, capacity, stride,
    /// window, parts, span)`.
    static void attend(Launch launch) {
        int queries = launch.number(5);
        int keyHeads = launch.number(6);
        int headDim = launch.number(7);
        long capacity = launch.number(8);
        int parts = launch.number(11);
        int span = launch.number(12);
        int group = queries / keyHeads;
        int batches = (group + Launch.HEADS - 1) / Launch.HEADS;
        int rows = launch.blocks() / (parts * batches * keyHeads);
        for (int row = 0; row < rows; row++) {
            int slot = whole(launch.address(2), row);
            int end = slot < 0 ? 0 : whole(launch.address(3), row) + 1;
            int window = launch.number(10);
            int begin = window > 0 ? Math.max(0, end - window) : 0;
            for (int head = 0; head < queries; head++) {
                long keys = ((long) slot * keyHeads + head / group) * 2 * capacity;
                for (int part = 0; part < parts; part++) {
                    int from = Math.max(part * span, begin);
                    int count = Math.min((part + 1) * span, end) - from;
                    long place = ((long) row * queries + head) * parts + part;
                    long out = launch.address(4) + place * (headDim + BEHIND) * Float.BYTES;
                    if (count <= 0) {
                        putReal(out, headDim + 1L, 0);
                        continue;
                    }
                    long size = (long) headDim * Short.BYTES;
                    new Part(
                                    launch.address(0)
                                            + row * launch.wide(9) * Short.BYTES
                                            + head * size,
                                    launch.address(1) + (keys + from) * size,
                                    launch.address(1) + (keys + capacity + from) * size,
                                    out,
                                    headDim)
                            .run(count);
                }
            }
        }
    }

    /// `attune_join(partial, out, queries, headDim, parts, outStride)`.
    static void join(Launch launch) {
        int queries = launch.number(2);
        int headDim = launch.number(3);
        int parts = launch.number(4);
        int stride = headDim + BEHIND;
        for (int block = 0; block < launch.blocks(); block++) {
            long own = launch.address(0) + (long) block * parts * stride * Float.BYTES;
            double largest = Double.NEGATIVE_INFINITY;
            for (int part = 0; part < parts; part++) {
                if (real(own, (long) part * stride + headDim + 1) > 0) {
                    largest = Math.max(largest, real(own, (long) part * stride + headDim));
                }
            }
            for (int k = 0; k < headDim; k++) {
                double sum = 0;
                double total = 0;
                for (int part = 0; part < parts; part++) {
                    long at = (long) part * stride;
                    float weight = real(own, at + headDim + 1);
                    if (weight > 0) {
                        double factor = Math.exp(real(own, at + headDim) - largest);
                        sum += real(own, at + k) * factor;
                        total += weight * factor;
                    }
                }
                long to = block / queries * launch.wide(5) + (long) (block % queries) * headDim + k;
                putHalf(launch.address(1), to, total > 0 ? (float) (sum / total) : 0);
            }
        }
    }
}
