package org.attune.model.source;

import org.attune.files.FewBits;
import org.attune.files.TensorFile;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.TensorNames;
import org.attune.tensor.DType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// The tensors of a folder that transformers' `AutoModel` wrote, as sentence-transformers saves
/// models: a decoder without its output layer, whose names don't begin with that of the trunk.
/// Here they do. [#read] may be called from several threads.
final class BareTensors implements TensorFile {
    private final TensorFile file;
    private final String trunk;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private BareTensors(TensorFile file, String trunk) {
        this.file = file;
        this.trunk = trunk;
        file.entries()
                .forEach(
                        (name, entry) ->
                                entries.put(
                                        trunk + name,
                                        new Entry(trunk + name, entry.dtype(), entry.shape())));
    }

    /// The tensors of a folder: the file itself, if it has the usual names.
    ///
    /// @param file is the result's
    static TensorFile of(TensorFile file, DecoderConfig config) {
        TensorNames names = config.names();
        boolean isBare =
                !file.entries().containsKey(names.embeddingPath() + ".weight")
                        && file.entries().containsKey(names.embedding() + ".weight")
                        && !file.entries().containsKey(names.head() + ".weight");
        return isBare ? new BareTensors(file, names.trunk() + ".") : file;
    }

    private String own(String name) {
        return name.substring(trunk.length());
    }

    @Override
    public Map<String, Entry> entries() {
        return Collections.unmodifiableMap(entries);
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        return file.read(own(name), arena);
    }

    @Override
    public boolean gives(String name, DType as) {
        return entries.containsKey(name) && file.gives(own(name), as);
    }

    @Override
    public void read(String name, DType as, MemorySegment target) {
        file.read(own(name), as, target);
    }

    @Override
    public Optional<FewBits> bits(String name) {
        return entries.containsKey(name) ? file.bits(own(name)) : Optional.empty();
    }

    @Override
    public void close() {
        file.close();
    }
}
