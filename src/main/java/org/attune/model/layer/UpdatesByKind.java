package org.attune.model.layer;

import java.util.ArrayList;
import java.util.List;

/// An adapter's updates of linear layers that read the same input, sorted by how they are computed,
/// each kind in order of the layers. In the order of a pass:
///
/// @param inputs multiply what a layer reads
/// @param lowRank stand in columns beside the weights
/// @param deltas are products of the layers' size
/// @param magnitudes multiply products, before the bias
/// @param biases are added
/// @param outputs multiply what a layer gives, bias included
record UpdatesByKind(
        List<InputScale> inputs,
        List<LowRank> lowRank,
        List<Delta> deltas,
        List<Magnitude> magnitudes,
        List<LayerUpdate.Bias> biases,
        List<OutputScale> outputs) {
    static UpdatesByKind of(List<? extends LayerUpdate> updates) {
        var sorted =
                new UpdatesByKind(
                        new ArrayList<>(),
                        new ArrayList<>(),
                        new ArrayList<>(),
                        new ArrayList<>(),
                        new ArrayList<>(),
                        new ArrayList<>());
        updates.forEach(sorted::add);
        return sorted;
    }

    private void add(LayerUpdate update) {
        switch (update) {
            case InputScale u -> inputs.add(u);
            case LowRank u -> lowRank.add(u);
            case Delta u -> deltas.add(u);
            case Magnitude u -> magnitudes.add(u);
            case LayerUpdate.Bias u -> biases.add(u);
            case OutputScale u -> outputs.add(u);
        }
    }

    /// Whether low-rank updates are all, but for biases.
    boolean fitColumns() {
        return inputs.isEmpty() && deltas.isEmpty() && magnitudes.isEmpty() && outputs.isEmpty();
    }
}
