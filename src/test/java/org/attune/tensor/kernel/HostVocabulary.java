package org.attune.tensor.kernel;

import static org.attune.tensor.kernel.HostNumbers.half;
import static org.attune.tensor.kernel.HostNumbers.putHalf;
import static org.attune.tensor.kernel.HostNumbers.putReal;
import static org.attune.tensor.kernel.HostNumbers.putWide;
import static org.attune.tensor.kernel.HostNumbers.real;
import static org.attune.tensor.kernel.HostNumbers.wide;

/// What `attune.cu` asks of rows of logits, a block a row.
final class HostVocabulary {
    private static final int STATISTICS = 5;

    private HostVocabulary() {}

    /// Sums over a row of logits.
    ///
    /// @param largest logit; the lowest number if there is none
    /// @param first token that has it; the vocabulary's size if there is none
    /// @param sum of `e = exp((z - largest) inverse)`
    /// @param product of `e log e`
    /// @param squares of `e²`
    /// @param total of `z`
    private record Row(
            float largest, int first, double sum, double product, double squares, double total) {
        static Row of(long row, int vocabulary, float inverse) {
            float largest = -Float.MAX_VALUE;
            double total = 0;
            for (int k = 0; k < vocabulary; k++) {
                float z = half(row, k);
                largest = z > largest ? z : largest;
                total += z;
            }
            int first = vocabulary;
            double sum = 0;
            double product = 0;
            double squares = 0;
            for (int k = vocabulary - 1; k >= 0; k--) {
                float z = half(row, k);
                double t = (double) (z - largest) * inverse;
                double e = Math.exp(t);
                sum += e;
                product += e * t;
                squares += e * e;
                first = z == largest ? k : first;
            }
            return new Row(largest, first, sum, product, squares, total);
        }
    }

    /// `attune_vocabulary(z, targets, scales, statistics, vocabulary, stride, inverse, smoothing,
    /// scale)`.
    static void describe(Launch launch) {
        int vocabulary = launch.number(4);
        float inverse = launch.real(6);
        double smoothing = launch.real(7);
        for (int row = 0; row < launch.blocks(); row++) {
            long z = launch.address(0) + row * launch.wide(5) * Short.BYTES;
            int target = (int) HostNumbers.token(launch.address(1), row);
            Row r = Row.of(z, vocabulary, inverse);
            double log = Math.log(r.sum());
            double logProb = (half(z, target) - r.largest()) * inverse - log;
            double mean = r.total() / vocabulary * inverse;
            double smoothed = smoothing * (mean - (double) r.largest() * inverse - log);
            long at = (long) STATISTICS * row;
            long statistics = launch.address(3);
            putReal(statistics, at, (float) ((1 - smoothing) * logProb + smoothed));
            putReal(statistics, at + 1, (float) mean);
            putReal(statistics, at + 2, r.first() == target ? 1 : 0);
            putReal(statistics, at + 3, (float) (log - r.product() / r.sum()));
            putReal(statistics, at + 4, (float) (Math.log(r.squares()) - 2 * log));
            if (launch.real(8) != 0) {
                long scales = launch.address(2);
                float scale = launch.real(8) * (scales == 0 ? 1 : real(scales, row));
                double each = smoothing / vocabulary;
                for (int k = 0; k < vocabulary; k++) {
                    double p = Math.exp((half(z, k) - r.largest()) * inverse) / r.sum();
                    double d = k == target ? Math.exp(logProb) - (1 - smoothing) : p;
                    putHalf(z, k, (float) (scale * (d - each)));
                }
            }
        }
    }

    /// `attune_draw(z, uniforms, drawn, vocabulary, stride, inverse)`.
    static void draw(Launch launch) {
        int vocabulary = launch.number(3);
        for (int row = 0; row < launch.blocks(); row++) {
            long z = launch.address(0) + row * launch.wide(4) * Short.BYTES;
            Row r = Row.of(z, vocabulary, launch.real(5));
            Row own = Row.of(z, vocabulary, 1);
            int id = r.first();
            if (launch.real(5) != 0) {
                id = drawn(z, r, vocabulary, launch.real(5), wide(launch.address(1), row));
            }
            boolean valid = own.sum() > 0 && Double.isFinite(own.sum());
            double logProb = valid ? half(z, id) - r.largest() - Math.log(own.sum()) : Double.NaN;
            putWide(launch.address(2), 2L * row, id < vocabulary ? id : 0);
            putWide(launch.address(2), 2L * row + 1, logProb);
        }
    }

    private static int drawn(long z, Row r, int vocabulary, float inverse, double uniform) {
        double target = uniform * r.sum();
        double before = 0;
        int last = r.first();
        for (int k = 0; k < vocabulary; k++) {
            double e = Math.exp((double) (half(z, k) - r.largest()) * inverse);
            before += e;
            if (e > 0) {
                last = k;
                if (before > target) {
                    return k;
                }
            }
        }
        return last;
    }
}
