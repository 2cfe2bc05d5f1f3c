package org.attune.cli.model;

import org.attune.error.ModelException;
import org.attune.tensor.DType;

import java.util.Locale;

/// Compares what a merged model computes with base and adapter.
///
/// @param base logits without the adapter
/// @param adapted logits of base and adapter, of the same tokens
/// @param merged logits of what was written
/// @param dtype in which weights were written
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record MergeCheck(float[] base, float[] adapted, float[] merged, DType dtype) {
    private static final double NOTHING = 1e-4; // of an adapter's effect, beside float32's noise

    /// How far the merged model's logits may be from those of base and adapter, as a share of
    /// their size: measured with small models, times about ten. Half precision rounds the sum of
    /// weight and update once more.
    static double tolerance(DType dtype) {
        return switch (dtype) {
            case BFLOAT16 -> 0.1;
            case FLOAT16 -> 0.02;
            default -> 1e-3;
        };
    }

    /// Distance between the merged model and base with adapter, as a share of the logits' size.
    double difference() {
        return distance(adapted, merged) / size();
    }

    /// Distance between base with adapter and base alone, as a share of the logits' size.
    double effect() {
        return distance(base, adapted) / size();
    }

    private double size() {
        return distance(adapted, new float[adapted.length]);
    }

    /// Root of the sum of squares; NaN if a number is.
    private static double distance(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            double difference = (double) a[i] - b[i];
            sum += difference * difference;
        }
        return Math.sqrt(sum);
    }

    /// @param tolerance as [#tolerance]
    /// @throws ModelException with figures, if the merged model is another one
    void require(double tolerance) {
        if (adapted.length != merged.length) {
            throw new ModelException(
                    "the merged model has %d logits, base and adapter have %d; nothing is written"
                            .formatted(merged.length, adapted.length));
        }
        boolean exact = dtype == DType.FLOAT32 && effect() > NOTHING;
        boolean lost = exact && !(difference() <= effect() / 2);
        if (lost || !(difference() <= tolerance)) {
            throw new ModelException(
                    String.format(
                            Locale.ROOT,
                            "the merged model isn't base and adapter: their logits differ by %.3g"
                                + " of their size, by %.3g at most; accepted in %s: %.3g. The"
                                + " adapter itself changes them by %.3g. Nothing is written; use"
                                + " base and adapter together, or give --dtype float32",
                            difference(),
                            ProbeLogits.largestDifference(adapted, merged),
                            dtype.name().toLowerCase(Locale.ROOT),
                            tolerance,
                            effect()));
        }
    }

    /// Whether rounding took as much away as the adapter brought.
    boolean isDrowned() {
        return effect() > NOTHING && difference() > effect() / 2;
    }
}
