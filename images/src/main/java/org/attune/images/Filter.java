package org.attune.images;

import java.util.function.DoubleUnaryOperator;

/// How pixels near a place are weighed when a picture is resized.
enum Filter {
    LANCZOS(1, 3, x -> x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0),
    BILINEAR(2, 1, x -> Math.abs(x) < 1 ? 1 - Math.abs(x) : 0),
    BICUBIC(3, 2, Filter::bicubic),
    BOX(4, 0.5, x -> x > -0.5 && x <= 0.5 ? 1 : 0),
    HAMMING(5, 1, Filter::hamming);

    private static final double BICUBIC_SHARPNESS = -0.5;

    /// Pillow's number of the filter, which settings name as `resample`.
    final int number;

    /// How far from its middle the filter reaches, in pixels of the larger of the two pictures.
    final double support;

    private final DoubleUnaryOperator weight;

    Filter(int number, double support, DoubleUnaryOperator weight) {
        this.number = number;
        this.support = support;
        this.weight = weight;
    }

    double weight(double x) {
        return weight.applyAsDouble(x);
    }

    private static double sinc(double x) {
        return x == 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
    }

    private static double bicubic(double signed) {
        double a = BICUBIC_SHARPNESS;
        double x = Math.abs(signed);
        if (x < 1) {
            return ((a + 2) * x - (a + 3)) * x * x + 1;
        }
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    }

    private static double hamming(double signed) {
        double x = Math.abs(signed);
        if (x == 0) {
            return 1;
        }
        return x >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(x * Math.PI));
    }
}
