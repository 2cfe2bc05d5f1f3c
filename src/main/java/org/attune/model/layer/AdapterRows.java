package org.attune.model.layer;

import java.util.ArrayList;
import java.util.List;

/// Which adapter each row of a pass is read with: one adapter for all rows, or several that change
/// nothing but linear layers, and those by low-rank updates ([Decoder#joins]). Of several the layer
/// itself is computed for all rows at once, and each adapter's update for its own rows.
///
/// @param elsewhere the adapter of everything but linear layers
/// @param runs rows of one adapter each, in order and without gaps; none where all rows are
///     `elsewhere`'s
public record AdapterRows(Adapter elsewhere, List<Run> runs) {
    /// Rows beside each other.
    public record Run(Adapter adapter, int first, int count) {}

    /// One adapter of any kind for all rows.
    public static AdapterRows all(Adapter adapter) {
        return new AdapterRows(adapter, List.of());
    }

    /// Adapters that join.
    ///
    /// @param adapters of pieces of the rows
    /// @param counts rows of each piece
    public static AdapterRows joined(List<Adapter> adapters, int[] counts) {
        if (adapters.stream().allMatch(Adapter.OFF::equals)) {
            return all(Adapter.OFF);
        }
        List<Run> runs = new ArrayList<>();
        int row = 0;
        for (int i = 0; i < counts.length; i++) {
            Adapter own = adapters.get(i);
            if (!runs.isEmpty() && runs.getLast().adapter().equals(own)) {
                Run before = runs.removeLast();
                runs.add(new Run(own, before.first(), before.count() + counts[i]));
            } else {
                runs.add(new Run(own, row, counts[i]));
            }
            row += counts[i];
        }
        return new AdapterRows(Adapter.OFF, runs);
    }

    /// Whether all rows are of one adapter of any kind.
    public boolean isOne() {
        return runs.isEmpty();
    }
}
