package org.attune.files;

import org.attune.tensor.vector.CodedRows;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Function;

/// A matrix in few bits, as a file holds it.
///
/// @param kind name of the format, for messages
/// @param bytes of the pieces of memory that it needs
/// @param read fills such pieces, and says how rows are decoded from them
public record FewBits(
        String kind, List<Long> bytes, Function<List<MemorySegment>, CodedRows> read) {
    public FewBits {
        bytes = List.copyOf(bytes);
    }
}
