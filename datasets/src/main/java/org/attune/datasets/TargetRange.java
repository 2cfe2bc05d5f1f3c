package org.attune.datasets;

/// Targets `[start, end)` of a [org.attune.policy.TokenForest], in the order of its numbering.
public record TargetRange(int start, int end) {
    /// Number of targets.
    public int size() {
        return end - start;
    }
}
