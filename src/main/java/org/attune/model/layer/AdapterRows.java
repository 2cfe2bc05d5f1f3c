package org.attune.model.layer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Which adapter each row of a pass is read with: one adapter for all rows, or several that change
/// nothing but linear layers ([Decoder#joins]). Of several the layer itself is computed for all
/// rows at once, and what each adapter does to it for its own rows.
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

    /// The adapters of some of the rows.
    ///
    /// @param rows their numbers, rising
    public AdapterRows some(int[] rows) {
        if (isOne()) {
            return this;
        }
        List<Adapter> adapters = new ArrayList<>();
        int run = 0;
        for (int row : rows) {
            while (row >= runs.get(run).first() + runs.get(run).count()) {
                run++;
            }
            adapters.add(runs.get(run).adapter());
        }
        int[] counts = new int[rows.length];
        Arrays.fill(counts, 1);
        return joined(adapters, counts);
    }

    /// Whether all rows are of one adapter of any kind.
    public boolean isOne() {
        return runs.isEmpty();
    }
}
