package org.attune.tensor.vector;

import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// Where the numbers of some columns lie in a matrix in another order: at the place of their row
/// plus that of their column.
///
/// @param rows of each row, in numbers
/// @param columns likewise
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record PackedPlaces(int[] rows, int[] columns) {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt PAIR = ValueLayout.JAVA_INT_UNALIGNED;

    /// Puts numbers in their places.
    ///
    /// @param from bfloat16, a row for each of [#rows]
    /// @param first of its columns
    /// @param to address of the matrix in the other order
    public void fill(Rows from, int first, long to) {
        boolean pairs = hasPairs();
        for (int row = 0; row < rows.length; row++) {
            long place = to + (long) rows[row] * Short.BYTES;
            if (pairs) {
                pairs(from.at(row, first), columns, place);
            } else {
                numbers(from.at(row, first), columns, place);
            }
        }
    }

    /// Whether all places are among the first `count`.
    public boolean isWithin(long count) {
        var row = Arrays.stream(rows).summaryStatistics();
        var column = Arrays.stream(columns).summaryStatistics();
        long least = (long) row.getMin() + column.getMin();
        return least >= 0 && (long) row.getMax() + column.getMax() < count;
    }

    /// Whether two columns each lie side by side, as products of bfloat16 numbers like them.
    private boolean hasPairs() {
        for (int i = 1; i < columns.length; i += 2) {
            if (columns[i] != columns[i - 1] + 1) {
                return false;
            }
        }
        return columns.length % 2 == 0;
    }

    private static void pairs(long from, int[] columns, long to) {
        for (int i = 0; i < columns.length; i += 2) {
            int pair = Vectors.MEMORY.get(PAIR, from + (long) i * Short.BYTES);
            Vectors.MEMORY.set(PAIR, to + (long) columns[i] * Short.BYTES, pair);
        }
    }

    private static void numbers(long from, int[] columns, long to) {
        for (int i = 0; i < columns.length; i++) {
            short number = Vectors.MEMORY.get(HALF, from + (long) i * Short.BYTES);
            Vectors.MEMORY.set(HALF, to + (long) columns[i] * Short.BYTES, number);
        }
    }
}
