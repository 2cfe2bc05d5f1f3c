package org.attune.tensor.kernel;

import static org.attune.tensor.kernel.HostNumbers.half;
import static org.attune.tensor.kernel.HostNumbers.putHalf;
import static org.attune.tensor.kernel.HostNumbers.real;
import static org.attune.tensor.kernel.HostNumbers.whole;

/// Rotary embeddings as `attune.cu` has them, a block a row.
final class HostHeads {
    private HostHeads() {}

    /// A head of a row, and where it goes.
    ///
    /// @param from address of its first number
    /// @param to address of the first one's place
    /// @param factor by which it is multiplied
    private record Head(long from, long to, float factor) {}

    /// Angles of a row.
    ///
    /// @param cosines address of the first
    /// @param sines likewise
    /// @param middle how many
    private record Angles(long cosines, long sines, int middle) {
        void rotate(Head head, boolean back) {
            for (int k = 0; k < middle; k++) {
                float c = real(cosines, k) * head.factor();
                float s = real(sines, k) * (back ? -head.factor() : head.factor());
                float a = half(head.from(), k);
                float b = half(head.from(), middle + k);
                putHalf(head.to(), k, a * c - b * s);
                putHalf(head.to(), middle + k, b * c + a * s);
            }
        }

        /// The numbers of a head that aren't rotated.
        void carry(Head head, int headDim) {
            for (int k = 2 * middle; k < headDim; k++) {
                putHalf(head.to(), k, half(head.from(), k) * head.factor());
            }
        }
    }

    private static long at(long address, long number) {
        return address + number * Short.BYTES;
    }

    /// `attune_rotate(x, cosines, sines, queries, keys, headDim, rotary, stride, scale, back)`.
    static void rotate(Launch launch) {
        int queries = launch.number(3);
        int headDim = launch.number(5);
        int middle = launch.number(6) / 2;
        for (int row = 0; row < launch.blocks(); row++) {
            long turn = (long) row * middle * Float.BYTES;
            var angles = new Angles(launch.address(1) + turn, launch.address(2) + turn, middle);
            for (int i = 0; i < queries + launch.number(4); i++) {
                long from = at(launch.address(0), row * launch.wide(7) + (long) i * headDim);
                var head = new Head(from, from, i < queries ? launch.real(8) : 1);
                angles.rotate(head, launch.number(9) != 0);
                if (i < queries) {
                    angles.carry(head, headDim);
                }
            }
        }
    }

    /// `attune_append(x, cosines, sines, angles, cache, slots, places, queries, keys, headDim,
    /// rotary, capacity, stride, scale)`.
    static void append(Launch launch) {
        int queries = launch.number(7);
        int keys = launch.number(8);
        int headDim = launch.number(9);
        int middle = launch.number(10) / 2;
        long capacity = launch.number(11);
        for (int row = 0; row < launch.blocks(); row++) {
            if (whole(launch.address(5), row) < 0) {
                continue;
            }
            long turn = (long) whole(launch.address(3), row) * middle * Float.BYTES;
            var angles = new Angles(launch.address(1) + turn, launch.address(2) + turn, middle);
            long own = at(launch.address(0), row * launch.wide(12));
            long slot = (long) whole(launch.address(5), row) * keys * 2 * capacity;
            slot += whole(launch.address(6), row);
            for (int i = 0; i < queries + 2 * keys; i++) {
                long from = at(own, (long) i * headDim);
                int key = (i - queries) % keys; // of the queries it isn't used
                long behind = i < queries + keys ? 0 : capacity;
                long place = slot + key * 2L * capacity + behind;
                long to = i < queries ? from : at(launch.address(4), place * headDim);
                var head = new Head(from, to, i < queries ? launch.real(13) : 1);
                if (i < queries + keys) {
                    angles.rotate(head, false);
                    angles.carry(head, headDim);
                } else {
                    new Angles(0, 0, 0).carry(head, headDim);
                }
            }
        }
    }
}
