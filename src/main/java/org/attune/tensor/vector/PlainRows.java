package org.attune.tensor.vector;

import java.lang.foreign.MemorySegment;

/// Rows that are copied as they are, beside others in few bits.
///
/// @param numbers of the type that products have
/// @param in columns
public record PlainRows(MemorySegment numbers, int in) implements CodedRows {
    @Override
    public int step() {
        return 1;
    }

    @Override
    public void decode(int row, int column, int count, Target to) {
        long bytes = to.bytes();
        long from = ((long) row * in + column) * bytes;
        MemorySegment.copy(numbers, from, to.memory(), to.at(), count * bytes);
    }
}
