package org.attune.datasets.rows;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/// The values of one column in a record batch or a dictionary.
///
/// @param length how many
/// @param validity a bit for each, 0 for null; empty where none is null
/// @param values give the others
record ArrowVector(long length, MemorySegment validity, Values values, RowMeter meter) {
    /// Gives values that aren't null.
    @FunctionalInterface
    interface Values {
        /// The value at `index`.
        Object at(long index);
    }

    /// The value at `index` as rows have it, or null.
    ///
    /// @throws IndexOutOfBoundsException if the file is damaged
    Object at(long index) {
        Objects.checkIndex(index, length);
        meter.count(1);
        return validity.byteSize() > 0 && !bit(validity, index) ? null : values.at(index);
    }

    /// The bit at `index`.
    static boolean bit(MemorySegment bits, long index) {
        return (bits.get(ValueLayout.JAVA_BYTE, index >>> 3) >> (index & 7) & 1) != 0;
    }
}
