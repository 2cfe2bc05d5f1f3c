package org.attune.model.layer;

import org.attune.tensor.TensorScope;

import java.util.List;
import java.util.Optional;

/// What one adapter does to linear layers that read the same input.
///
/// @param updates all of it, in order of the layers
/// @param lowRank what stands in columns
/// @param around what is computed around the product
/// @param biases of the layers, where some are changed
/// @param packed the low-rank updates for decoding
record Attached(
        List<LayerUpdate> updates,
        List<LowRank> lowRank,
        AroundProduct around,
        Optional<AdapterBiases> biases,
        PackedUpdate packed) {
    /// @param owner of what is made
    static Attached of(TensorScope owner, FusedLinear layer, List<? extends LayerUpdate> updates) {
        UpdatesByKind kinds = UpdatesByKind.of(updates);
        return new Attached(
                List.copyOf(updates),
                kinds.lowRank(),
                new AroundProduct(layer, kinds),
                kinds.biases().isEmpty()
                        ? Optional.empty()
                        : Optional.of(new AdapterBiases(owner, layer, kinds.biases())),
                new PackedUpdate(owner, layer, kinds.lowRank(), kinds.magnitudes()));
    }

    void close() {
        biases.ifPresent(AdapterBiases::close);
        packed.close();
    }

    /// Whether low-rank updates are all, but for biases.
    boolean fitsColumns() {
        return around.isEmpty();
    }

    /// Whether low-rank updates are all.
    boolean isLowRank() {
        return fitsColumns() && biases.isEmpty();
    }

    /// Whether [PackedUpdate] is all: low-rank updates, and lengths of the rows that they change.
    boolean fitsKernel() {
        return biases.isEmpty()
                && updates.stream().allMatch(u -> u instanceof LowRank || u instanceof Magnitude)
                && (fitsColumns() || !lowRank.isEmpty());
    }
}
