package org.attune.model.layer;

import java.util.List;

/// What one adapter does to linear layers that read the same input.
///
/// @param updates all of it, in order of the layers
/// @param lowRank what stands in columns
/// @param scales what is computed around the product
record Attached(List<LayerUpdate> updates, List<LowRank> lowRank, Scales scales) {
    static Attached of(FusedLinear layer, List<? extends LayerUpdate> updates) {
        List<LayerUpdate> all = List.copyOf(updates);
        List<LowRank> lowRank =
                all.stream().filter(LowRank.class::isInstance).map(LowRank.class::cast).toList();
        return new Attached(all, lowRank, new Scales(layer, all));
    }

    /// Whether low-rank updates are all.
    boolean fitsColumns() {
        return scales.isEmpty();
    }
}
