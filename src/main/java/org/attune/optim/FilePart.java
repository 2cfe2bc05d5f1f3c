package org.attune.optim;

import org.attune.files.TensorFile;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// A file of which some tensors are read in part.
///
/// @param file borrowed
/// @param parted vectors of float32 numbers that are cut
/// @param start first number of them
/// @param length how many
record FilePart(TensorFile file, Set<String> parted, long start, long length)
        implements TensorFile {
    @Override
    public Map<String, Entry> entries() {
        Map<String, Entry> entries = new LinkedHashMap<>(file.entries());
        for (String name : parted) {
            entries.computeIfPresent(
                    name, (_, whole) -> new Entry(name, whole.dtype(), new long[] {length}));
        }
        return entries;
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        if (!parted.contains(name)) {
            return file.read(name, arena);
        }
        try (Arena whole = Arena.ofConfined()) {
            MemorySegment part = arena.allocate(length * Float.BYTES, Long.BYTES);
            return part.copyFrom(
                    file.read(name, whole).asSlice(start * Float.BYTES, length * Float.BYTES));
        }
    }

    @Override
    public void close() {
        file.close();
    }
}
