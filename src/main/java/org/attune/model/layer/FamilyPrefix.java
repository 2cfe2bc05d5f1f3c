package org.attune.model.layer;

import org.attune.files.TensorFile;
import org.attune.model.config.TensorNames;
import org.attune.tensor.DType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;

/// Tensors of a file that leaves the trunk's name out of theirs, as GPT-2's original files do,
/// under their whole names. Borrows the file.
///
/// @param file    the other names
/// @param prefix  what its names lack
/// @param entries under whole names
record FamilyPrefix(TensorFile file, String prefix, Map<String, TensorFile.Entry> entries)
        implements TensorFile {
    /// The file under whole names: itself, if it has them.
    static TensorFile added(TensorNames names, TensorFile file) {
        String prefix = names.trunk() + ".";
        String embedding = names.embeddingPath() + ".weight";
        if (file.entries().containsKey(embedding)
                || !file.entries().containsKey(embedding.substring(prefix.length()))) {
            return file;
        }
        Map<String, Entry> entries = new LinkedHashMap<>();
        file.entries()
                .forEach(
                        (name, entry) -> {
                            String whole = isOutput(names, name) ? name : prefix + name;
                            entries.put(whole, new Entry(whole, entry.dtype(), entry.shape()));
                        });
        return new FamilyPrefix(file, prefix, entries);
    }

    private static boolean isOutput(TensorNames names, String name) {
        return name.startsWith(names.head() + ".") || name.startsWith(TensorNames.SCORE + ".");
    }

    private String own(String name) {
        return name.startsWith(prefix) ? name.substring(prefix.length()) : name;
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        return file.read(own(name), arena);
    }

    @Override
    public boolean gives(String name, DType as) {
        return file.gives(own(name), as);
    }

    @Override
    public void read(String name, DType as, MemorySegment target) {
        file.read(own(name), as, target);
    }

    @Override
    public void close() {
        file.close();
    }
}
