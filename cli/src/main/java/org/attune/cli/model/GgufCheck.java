package org.attune.cli.model;

import org.attune.error.ModelException;
import org.attune.model.source.GgufFileType;

import java.util.Locale;

/// Compares the logits of a model with those of its GGUF file.
///
/// @param own        logits of the model, `(T · V)`
/// @param read       logits of the file, of the same tokens
/// @param vocabulary `V`
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record GgufCheck(float[] own, float[] read, int vocabulary) {
    /// How far the file's logits may be from the model's, as a share of their size. Another model
    /// is further away than 1; what rounding did to small models was a third of this at most.
    static double tolerance(GgufFileType type) {
        return switch (type) {
            case F32 -> 1e-3;
            case F16 -> 0.02;
            case BF16, Q8_0 -> 0.1;
            case Q6_K -> 0.2;
            case Q5_K_M -> 0.4;
            case Q4_K_M, Q4_1, Q4_0, MXFP4 -> 0.8;
        };
    }

    /// Distance as a share of the logits' size; NaN if a number is.
    double difference() {
        double between = 0;
        double size = 0;
        for (int i = 0; i < own.length; i++) {
            between += Math.pow((double) own[i] - read[i], 2);
            size += Math.pow(own[i], 2);
        }
        return Math.sqrt(between / size);
    }

    /// Mean over tokens of Kullback and Leibler's divergence, from the model to the file.
    double divergence() {
        double sum = 0;
        int tokens = own.length / vocabulary;
        for (int t = 0; t < tokens; t++) {
            double logOwn = logSum(own, t);
            double logRead = logSum(read, t);
            for (int v = t * vocabulary; v < (t + 1) * vocabulary; v++) {
                double log = own[v] - logOwn;
                sum += Math.exp(log) * (log - (read[v] - logRead));
            }
        }
        return sum / tokens;
    }

    /// Share of tokens after which both think the same one likeliest.
    double agreement() {
        int tokens = own.length / vocabulary;
        int same = 0;
        for (int t = 0; t < tokens; t++) {
            same += best(own, t) == best(read, t) ? 1 : 0;
        }
        return (double) same / tokens;
    }

    private int best(float[] logits, int token) {
        int best = token * vocabulary;
        for (int v = best; v < (token + 1) * vocabulary; v++) {
            best = logits[v] > logits[best] ? v : best;
        }
        return best;
    }

    private double logSum(float[] logits, int token) {
        double largest = logits[best(logits, token)];
        double sum = 0;
        for (int v = token * vocabulary; v < (token + 1) * vocabulary; v++) {
            sum += Math.exp(logits[v] - largest);
        }
        return largest + Math.log(sum);
    }

    /// @throws ModelException with figures, if the file is another model
    void require(GgufFileType type) {
        require("the GGUF file", type.title(), tolerance(type));
    }

    /// @param what   was written
    /// @param type   of its numbers
    /// @param accepted how far its logits may be from the model's
    /// @throws ModelException with figures, if it is another model
    void require(String what, String type, double accepted) {
        if (own.length != read.length || !(difference() <= accepted)) {
            throw new ModelException(
                    "%s isn't the model: %s; accepted in %s: a difference of %s. Nothing is written"
                            .formatted(what, words(), type, accepted));
        }
    }

    String words() {
        return own.length != read.length
                ? "%d logits instead of %d".formatted(read.length, own.length)
                : String.format(
                        Locale.ROOT,
                        "its logits differ from the model's by %.3g of their size, its"
                                + " distributions by %.3g nats; the likeliest token is the same"
                                + " after %.0f %% of tokens",
                        difference(),
                        divergence(),
                        100 * agreement());
    }
}
