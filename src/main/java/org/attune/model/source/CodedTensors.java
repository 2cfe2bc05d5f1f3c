package org.attune.model.source;

import org.attune.error.ModelException;
import org.attune.files.FewBits;
import org.attune.files.TensorFile;
import org.attune.tensor.DType;
import org.attune.tensor.vector.CodedRows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// The tensors of a folder in which matrices are in few bits, by name and shape of these matrices.
/// [#read] gives them decoded. It may be called from several threads.
final class CodedTensors implements TensorFile {
    private static final int MOST_SIDE = 1 << 24;

    private final String kind; // of the format, for messages
    private final TensorFile file;
    private final Map<String, Entry> entries;
    private final Map<String, FewBits> coded = new HashMap<>();

    /// @param kind name of the format, for messages
    /// @param file is the result's
    CodedTensors(String kind, TensorFile file) {
        this.kind = kind;
        this.file = file;
        entries = new LinkedHashMap<>(file.entries());
    }

    /// What the folder holds.
    Map<String, Entry> stored() {
        return file.entries();
    }

    /// One of the folder's tensors.
    ///
    /// @param dtypes accepted
    Entry stored(String name, DType... dtypes) {
        Entry entry = file.entries().get(name);
        if (entry == null || !List.of(dtypes).contains(entry.dtype())) {
            throw invalid(name, "numbers of type " + List.of(dtypes));
        }
        return entry;
    }

    /// Sides of one of the folder's matrices.
    int[] sides(Entry matrix) {
        long[] shape = matrix.shape();
        if (shape.length != 2 || Math.max(shape[0], shape[1]) > MOST_SIDE || matrix.count() == 0) {
            throw invalid(matrix.name(), "a matrix");
        }
        return new int[] {(int) shape[0], (int) shape[1]};
    }

    void require(String name, long bytes) {
        Entry entry = file.entries().get(name);
        if (entry == null || entry.bytes() != bytes) {
            throw invalid(name, bytes + " bytes");
        }
    }

    ModelException invalid(String name, String accepted) {
        Entry entry = file.entries().get(name);
        return new ModelException(
                "tensor \"%s\" of weights in few bits (%s) is %s; expected %s"
                        .formatted(
                                name,
                                kind,
                                entry == null
                                        ? "missing"
                                        : entry.dtype().fileName()
                                                + " of shape "
                                                + List.of(box(entry.shape())),
                                accepted));
    }

    private static Long[] box(long[] shape) {
        Long[] sides = new Long[shape.length];
        for (int i = 0; i < sides.length; i++) {
            sides[i] = shape[i];
        }
        return sides;
    }

    /// The bytes of one of the folder's tensors.
    MemorySegment bytes(String name, Arena arena) {
        return file.read(name, arena);
    }

    /// Copies one of the folder's tensors as it is.
    void copy(String name, MemorySegment target) {
        file.read(name, file.entries().get(name).dtype(), target);
    }

    /// Adds a matrix.
    ///
    /// @param parts tensors of the folder that it is made of, which are its no longer
    /// @param bytes of the pieces of memory that it needs
    /// @param read fills them
    void put(
            String name,
            String kind,
            int out,
            int in,
            List<String> parts,
            List<Long> bytes,
            Function<List<MemorySegment>, CodedRows> read) {
        parts.forEach(entries::remove);
        entries.put(name, new Entry(name, DType.FLOAT32, new long[] {out, in}));
        coded.put(name, new FewBits(kind, bytes, read));
    }

    /// Leaves a tensor out, if it is there.
    void leave(String name) {
        entries.remove(name);
    }

    boolean isDense() {
        return coded.isEmpty();
    }

    @Override
    public Map<String, Entry> entries() {
        return Collections.unmodifiableMap(entries);
    }

    @Override
    public Optional<FewBits> bits(String name) {
        return Optional.ofNullable(coded.get(name));
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        FewBits bits = coded.get(name);
        return bits == null ? file.read(name, arena) : bits.decoded(entries.get(name), arena);
    }

    @Override
    public void close() {
        file.close();
    }
}
