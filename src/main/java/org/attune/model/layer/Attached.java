package org.attune.model.layer;

import java.util.List;

/// What one adapter does to linear layers that read the same input.
///
/// @param updates all of it, in order of the layers
/// @param lowRank what stands in columns
/// @param around what is computed around the product
record Attached(List<LayerUpdate> updates, List<LowRank> lowRank, AroundProduct around) {
    static Attached of(FusedLinear layer, List<? extends LayerUpdate> updates) {
        UpdatesByKind kinds = UpdatesByKind.of(updates);
        return new Attached(List.copyOf(updates), kinds.lowRank(), new AroundProduct(layer, kinds));
    }

    /// Whether low-rank updates are all.
    boolean fitsColumns() {
        return around.isEmpty();
    }
}
