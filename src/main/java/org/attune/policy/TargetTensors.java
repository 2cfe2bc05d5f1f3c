package org.attune.policy;

import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

import java.util.Arrays;
import java.util.Optional;

/// A forest's targets where a GPU computes, `M` of them. Made before a pass, they are sent together
/// with what the pass needs.
///
/// @param sources rows whose hidden states predict, `(M)`
/// @param tokens that are predicted, `(M, 1)`
record TargetTensors(Tensor sources, Tensor tokens) {
    /// Sends a forest's targets ahead, in the current scope; empty on a processor, where nothing is
    /// sent.
    static Optional<TargetTensors> ahead(Device device, TokenForest forest) {
        return device.isGpu() ? Optional.of(of(device, forest)) : Optional.empty();
    }

    private static TargetTensors of(Device device, TokenForest forest) {
        int m = forest.targetCount();
        long[] tokens = Arrays.stream(forest.targetTokens()).limit(m).asLongStream().toArray();
        return new TargetTensors(
                Tensor.ofInts(device, forest.targetSources(), m), Tensor.of(device, tokens, m, 1));
    }
}
