package org.attune.model.config;

import java.util.Arrays;
import java.util.List;

/// Frequencies of a rotary embedding: feature pair `i` of position `p` is rotated by
/// `p · inverseFrequencies[i]`, and cosines and sines are multiplied by `attentionScaling`.
/// With `d` the rotated features of a head and θ the base, all kinds start from
/// ```
/// f_i = θ^(-2i/d),     i = 0 … d/2 − 1
/// ```
///
/// @param inverseFrequencies radians per position, `d/2` of them
/// @param attentionScaling   factor on cosines and sines, 1 except for YaRN and longrope
public record RopeTable(double[] inverseFrequencies, double attentionScaling) {
    /// Frequencies for sequences of `length` tokens.
    ///
    /// @param headDim features of a head
    /// @param length  tokens in the longest sequence; matters only if `rope.dependsOnLength()`
    public static RopeTable of(RopeConfig rope, int headDim, int length) {
        int dim = rope.rotaryDim(headDim);
        double theta = rope.theta();
        return switch (rope.scaling()) {
            case RopeScaling.None() -> new RopeTable(plain(theta, dim), 1);
            case RopeScaling.Linear(double factor) -> new RopeTable(linear(theta, dim, factor), 1);
            case RopeScaling.Proportional(double share, double factor) ->
                    new RopeTable(proportional(theta, dim, share, factor), 1);
            case RopeScaling.Dynamic dynamic ->
                    new RopeTable(dynamic(theta, dim, dynamic, length), 1);
            case RopeScaling.Llama3 llama3 -> new RopeTable(llama3(theta, dim, llama3), 1);
            case RopeScaling.Yarn yarn ->
                    new RopeTable(yarn(theta, dim, yarn), yarn.attentionFactor());
            case RopeScaling.LongRope scaling -> {
                boolean isLong = length > scaling.originalLength();
                List<Double> divisors = isLong ? scaling.longDivisors() : scaling.shortDivisors();
                yield new RopeTable(divided(theta, dim, divisors), scaling.attentionFactor());
            }
            case RopeScaling.Divisors(List<Double> divisors, double attentionFactor) ->
                    new RopeTable(divided(theta, dim, divisors), attentionFactor);
        };
    }

    private static double[] plain(double theta, int dim) {
        var result = new double[dim / 2];
        for (int i = 0; i < result.length; i++) {
            result[i] = Math.pow(theta, -2.0 * i / dim);
        }
        return result;
    }

    private static double[] linear(double theta, int dim, double factor) {
        double[] result = plain(theta, dim);
        for (int i = 0; i < result.length; i++) {
            result[i] /= factor;
        }
        return result;
    }

    private static double[] proportional(double theta, int dim, double share, double factor) {
        double[] result = linear(theta, dim, factor);
        Arrays.fill(result, (int) (share * dim / 2), result.length, 0);
        return result;
    }

    /// θ' = θ · (s·n/L − (s − 1))^(d/(d−2)) with n = max(length, L).
    private static double[] dynamic(
            double theta, int dim, RopeScaling.Dynamic scaling, int length) {
        int longest = Math.max(length, scaling.originalLength());
        double stretch =
                scaling.factor() * longest / scaling.originalLength() - (scaling.factor() - 1);
        return plain(theta * Math.pow(stretch, dim / (dim - 2.0)), dim);
    }

    private static double[] llama3(double theta, int dim, RopeScaling.Llama3 scaling) {
        double longWave = scaling.originalLength() / scaling.lowFrequency();
        double shortWave = scaling.originalLength() / scaling.highFrequency();
        double[] result = plain(theta, dim);
        for (int i = 0; i < result.length; i++) {
            double wave = 2 * Math.PI / result[i];
            if (wave > longWave) {
                result[i] /= scaling.factor();
            } else if (wave >= shortWave) {
                double smooth =
                        (scaling.originalLength() / wave - scaling.lowFrequency())
                                / (scaling.highFrequency() - scaling.lowFrequency());
                result[i] = (1 - smooth) * result[i] / scaling.factor() + smooth * result[i];
            }
        }
        return result;
    }

    private static double[] yarn(double theta, int dim, RopeScaling.Yarn scaling) {
        double low = yarnDimension(scaling.betaFast(), theta, dim, scaling.originalLength());
        double high = yarnDimension(scaling.betaSlow(), theta, dim, scaling.originalLength());
        if (scaling.truncate()) {
            low = Math.floor(low);
            high = Math.ceil(high);
        }
        low = Math.max(low, 0);
        high = Math.min(high, dim - 1);
        if (low == high) {
            high += 0.001; // keeps the ramp's slope finite
        }
        double[] result = plain(theta, dim);
        for (int i = 0; i < result.length; i++) {
            double ramp = Math.clamp((i - low) / (high - low), 0, 1);
            result[i] = result[i] / scaling.factor() * ramp + result[i] * (1 - ramp);
        }
        return result;
    }

    /// The (fractional) pair that turns `rotations` times within `length` positions.
    private static double yarnDimension(double rotations, double theta, int dim, int length) {
        return dim * Math.log(length / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
    }

    private static double[] divided(double theta, int dim, List<Double> divisors) {
        double[] result = plain(theta, dim);
        for (int i = 0; i < result.length; i++) {
            result[i] /= divisors.get(i);
        }
        return result;
    }
}
