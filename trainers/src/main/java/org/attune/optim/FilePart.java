package org.attune.optim;

import org.attune.files.TensorFile;
import org.attune.ranks.RankParts;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// A file of which a rank reads its part of some tensors.
///
/// @param file borrowed
/// @param parted vectors of float32 numbers that are cut
/// @param parts how
record FilePart(TensorFile file, Set<String> parted, RankParts parts) implements TensorFile {
    @Override
    public Map<String, Entry> entries() {
        Map<String, Entry> entries = new LinkedHashMap<>(file.entries());
        for (String name : parted) {
            entries.computeIfPresent(
                    name, (_, whole) -> new Entry(name, whole.dtype(), new long[] {parts.own()}));
        }
        return entries;
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        if (!parted.contains(name)) {
            return file.read(name, arena);
        }
        try (Arena whole = Arena.ofConfined()) {
            MemorySegment row = file.read(name, whole);
            MemorySegment part = arena.allocate(parts.own() * Float.BYTES, Long.BYTES);
            for (RankParts.Run run : parts.runs()) {
                long from = run.row() * Float.BYTES;
                long to = run.part() * Float.BYTES;
                MemorySegment.copy(row, from, part, to, run.length() * Float.BYTES);
            }
            return part;
        }
    }

    @Override
    public void close() {
        file.close();
    }
}
