package org.attune.images;

import org.attune.images.ImagePipeline.Backend;

import java.util.ArrayList;
import java.util.List;

/// Resizes bytes as Pillow or torchvision does on a processor, bit for bit. Both weigh the pixels
/// of one direction in whole numbers, round to bytes, and go on with the other direction.
///
/// @param filter  which neighbours count, and how much
/// @param backend whose arithmetic it is
record Resizer(Filter filter, Backend backend) {
    private static final int PILLOW_BITS = 22;
    private static final int TORCH_LARGEST = 1 << 15;

    /// Weights of one direction.
    ///
    /// @param first   first pixel of each sum
    /// @param factors weights of the pixels from there on, scaled by 2 to the power of `bits`
    private record Weights(int[] first, int[][] factors, int bits) {}

    /// Rows come first, but in Pillow from 13 on columns where the height shrinks by more than
    /// twice what the width does. A direction whose size stays is left as it is.
    Pixels resize(Pixels picture, int width, int height) {
        boolean columnsFirst =
                backend == Backend.PIL
                        && height < picture.height()
                        && picture.height() - height > 2 * (picture.width() - width);
        if (columnsFirst) {
            return rows(columns(picture, height), width);
        }
        return columns(rows(picture, width), height);
    }

    private Pixels rows(Pixels picture, int width) {
        if (width == picture.width()) {
            return picture;
        }
        Weights weights = weights(picture.width(), width);
        int half = 1 << (weights.bits - 1);
        Pixels resized = Pixels.black(width, picture.height());
        byte[] from = picture.rgb();
        int to = 0;
        for (int y = 0; y < picture.height(); y++) {
            for (int x = 0; x < width; x++) {
                int at = (y * picture.width() + weights.first[x]) * Pixels.CHANNELS;
                int red = half;
                int green = half;
                int blue = half;
                for (int factor : weights.factors[x]) {
                    red += (from[at] & 255) * factor;
                    green += (from[at + 1] & 255) * factor;
                    blue += (from[at + 2] & 255) * factor;
                    at += Pixels.CHANNELS;
                }
                resized.rgb()[to++] = clip(red >> weights.bits);
                resized.rgb()[to++] = clip(green >> weights.bits);
                resized.rgb()[to++] = clip(blue >> weights.bits);
            }
        }
        return resized;
    }

    private Pixels columns(Pixels picture, int height) {
        if (height == picture.height()) {
            return picture;
        }
        Weights weights = weights(picture.height(), height);
        int length = picture.width() * Pixels.CHANNELS;
        Pixels resized = Pixels.black(picture.width(), height);
        int[] sums = new int[length];
        for (int y = 0; y < height; y++) {
            java.util.Arrays.fill(sums, 1 << (weights.bits - 1));
            int at = weights.first[y] * length;
            for (int factor : weights.factors[y]) {
                for (int i = 0; i < length; i++) {
                    sums[i] += (picture.rgb()[at + i] & 255) * factor;
                }
                at += length;
            }
            for (int i = 0; i < length; i++) {
                resized.rgb()[y * length + i] = clip(sums[i] >> weights.bits);
            }
        }
        return resized;
    }

    private static byte clip(int value) {
        return (byte) Math.clamp(value, 0, 255);
    }

    private Weights weights(int in, int out) {
        double scale = (double) in / out;
        double stretch = Math.max(scale, 1);
        double reach = filter.support * stretch;
        int[] first = new int[out];
        List<double[]> exact = new ArrayList<>();
        double largest = 0;
        for (int o = 0; o < out; o++) {
            double centre = (o + 0.5) * scale;
            first[o] = Math.max((int) (centre - reach + 0.5), 0);
            int end = Math.min((int) (centre + reach + 0.5), in);
            double[] weights = new double[end - first[o]];
            double sum = 0;
            for (int k = 0; k < weights.length; k++) {
                weights[k] = filter.weight((k + first[o] - centre + 0.5) * (1 / stretch));
                sum += weights[k];
            }
            for (int k = 0; k < weights.length; k++) {
                weights[k] = sum == 0 ? weights[k] : weights[k] / sum;
                largest = Math.max(largest, weights[k]);
            }
            exact.add(weights);
        }
        int bits = backend == Backend.PIL ? PILLOW_BITS : torchBits(largest);
        int[][] factors = new int[out][];
        for (int o = 0; o < out; o++) {
            factors[o] = new int[exact.get(o).length];
            for (int k = 0; k < factors[o].length; k++) {
                double scaled = exact.get(o)[k] * (1 << bits);
                factors[o][k] = (int) (scaled < 0 ? scaled - 0.5 : scaled + 0.5);
            }
        }
        return new Weights(first, factors, bits);
    }

    /// As many bits as let the largest weight fit into sixteen with its sign.
    private static int torchBits(double largest) {
        int bits = 0;
        while (bits < PILLOW_BITS && (int) (0.5 + largest * (1 << (bits + 1))) < TORCH_LARGEST) {
            bits++;
        }
        return bits;
    }
}
