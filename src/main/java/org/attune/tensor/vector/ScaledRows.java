package org.attune.tensor.vector;

import java.util.List;

/// Rows to be copied to another place, and what they are multiplied by.
///
/// @param factor 1 if the originals are bfloat16
/// @param to bfloat16 if the originals are
/// @param count of rows
/// @param columns a multiple of [Vectors#LANES]
public record ScaledRows(Rows from, float factor, Rows to, int count, int columns) {
    /// Copies all rows, scaled.
    public static void copy(List<ScaledRows> all, int threads) {
        KernelThreads.run(threads, all.size(), (_, i) -> all.get(i).copy());
    }

    private void copy() {
        if (from.half()) {
            TileRows.copy(from.address(), from.stride(), count, columns, to.address(), to.stride());
            return;
        }
        for (int row = 0; row < count; row++) {
            RowCopies.write(from.at(row, 0), factor, columns, to.half(), to.at(row, 0));
        }
    }
}
