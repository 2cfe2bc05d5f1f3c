package org.attune.trainers.layout;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// Targets `[start, end)` of a [org.attune.policy.TokenForest], in the order of its numbering.
@Api(EXPERIMENTAL)
public record TargetRange(int start, int end) {
    /// Number of targets.
    public int size() {
        return end - start;
    }

    /// The values of these targets.
    ///
    /// @param values one per target of the forest, `(M)`
    public double[] of(float[] values) {
        double[] own = new double[size()];
        for (int t = 0; t < own.length; t++) {
            own[t] = values[start + t];
        }
        return own;
    }
}
