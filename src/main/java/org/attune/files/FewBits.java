package org.attune.files;

import org.attune.tensor.vector.CodedRows;

import java.lang.foreign.Arena;
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

    /// The numbers as float32, in memory of `arena`.
    ///
    /// @param matrix that this is, `(out, in)`
    public MemorySegment decoded(TensorFile.Entry matrix, Arena arena) {
        int out = Math.toIntExact(matrix.shape()[0]);
        int in = Math.toIntExact(matrix.shape()[1]);
        MemorySegment target = arena.allocate(matrix.bytes(), Long.BYTES);
        try (Arena own = Arena.ofConfined()) {
            CodedRows rows =
                    read.apply(bytes.stream().map(b -> own.allocate(b, Long.BYTES)).toList());
            rows.decode(0, out, 0, in, target, (long) in * Float.BYTES, false, 1);
        }
        return target;
    }
}
