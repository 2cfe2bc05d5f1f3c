package org.attune.testing;

import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.tensor.DType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;

/// Named float32 tensors on the Java heap.
public final class MemoryTensorFile implements TensorFile {
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, float[]> values = new LinkedHashMap<>();

    /// Adds or replaces a tensor; `data` isn't copied.
    public void put(String name, float[] data, long... shape) {
        entries.put(name, new Entry(name, DType.FLOAT32, shape));
        values.put(name, data);
    }

    /// The numbers of a tensor, not copied.
    public float[] values(String name) {
        return values.get(name);
    }

    @Override
    public Map<String, Entry> entries() {
        return entries;
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        float[] data = values.get(name);
        if (data == null) {
            throw new ModelException("no tensor \"" + name + "\" among " + entries.keySet());
        }
        return arena.allocate(4L * data.length, 8).copyFrom(MemorySegment.ofArray(data));
    }

    @Override
    public void close() {}
}
