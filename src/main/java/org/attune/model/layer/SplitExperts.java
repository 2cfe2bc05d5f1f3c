package org.attune.model.layer;

import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.TensorNames;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/// Experts of a file that holds all of a block in two tensors, as transformers 5 does in memory,
/// under the names that they have one by one. `gate_up_proj` has the shape `(E, 2F, D)`, with the
/// rows of the gate first, and `down_proj` `(E, D, F)`. Borrows the file.
final class SplitExperts implements TensorFile {
    private static final String ROUTER = "mlp.gate.weight";
    private static final String UP = "mlp.experts.gate_up_proj";
    private static final String DOWN = "mlp.experts.down_proj";

    private final TensorFile file;
    private final Map<String, Entry> entries;
    private final Map<String, Slice> slices;
    private final Map<String, MemorySegment> whole = new HashMap<>(); // of one block at a time

    /// Where the numbers of a tensor are.
    ///
    /// @param of name of the tensor in the file
    /// @param start in bytes
    private record Slice(String of, long start) {}

    private SplitExperts(TensorFile file, Map<String, Entry> entries, Map<String, Slice> slices) {
        this.file = file;
        this.entries = entries;
        this.slices = slices;
    }

    /// The file with a tensor for each projection of each expert: itself, if it has them.
    static TensorFile of(DecoderConfig config, TensorFile file) {
        if (config.names().experts().isEmpty()
                || file.entries().keySet().stream().noneMatch(name -> name.endsWith(UP))) {
            return file;
        }
        Map<String, Entry> entries = new LinkedHashMap<>(file.entries());
        Map<String, Slice> slices = new HashMap<>();
        TensorNames.Experts names = config.names().experts().orElseThrow();
        for (int layer = 0; layer < config.layers(); layer++) {
            String block = config.names().block(layer);
            if (file.entries().containsKey(block + UP)
                    && file.entries().containsKey(block + DOWN)) {
                cut(names, block, entries, slices);
            }
        }
        return new SplitExperts(file, entries, slices);
    }

    private static void cut(
            TensorNames.Experts names,
            String block,
            Map<String, Entry> entries,
            Map<String, Slice> slices) {
        Entry up = entries.remove(block + UP);
        Entry down = entries.remove(block + DOWN);
        requireAlike(up, down, names.up().size());
        for (int e = 0; e < up.shape()[0]; e++) {
            String expert = block + names.list() + "." + e + ".";
            for (int part = 0; part < names.up().size(); part++) {
                long rows = up.shape()[1] / names.up().size();
                put(
                        expert + names.up().get(part),
                        up,
                        (e * up.shape()[1] + part * rows) * up.shape()[2],
                        new long[] {rows, up.shape()[2]},
                        entries,
                        slices);
            }
            put(
                    expert + names.down(),
                    down,
                    e * down.shape()[1] * down.shape()[2],
                    new long[] {down.shape()[1], down.shape()[2]},
                    entries,
                    slices);
        }
        Entry router = entries.remove(block + ROUTER);
        if (router != null) {
            put(block + names.router(), router, 0, router.shape(), entries, slices);
        }
    }

    /// @param parts in the rows of `up`
    private static void requireAlike(Entry up, Entry down, int parts) {
        long[] u = up.shape();
        long[] d = down.shape();
        boolean alike =
                u.length == 3
                        && d.length == 3
                        && u[0] == d[0]
                        && u[1] == parts * d[2]
                        && u[2] == d[1];
        if (!alike) {
            throw new ModelException(
                    "tensor \"%s\" has shape %s and \"%s\" %s; expected (E, %dF, D) and (E, D, F)"
                            .formatted(
                                    up.name(),
                                    Arrays.toString(u),
                                    down.name(),
                                    Arrays.toString(d),
                                    parts));
        }
    }

    private static void put(
            String path,
            Entry of,
            long first,
            long[] shape,
            Map<String, Entry> entries,
            Map<String, Slice> slices) {
        String name = path + ".weight";
        entries.put(name, new Entry(name, of.dtype(), shape));
        slices.put(name, new Slice(of.name(), first * of.dtype().bytes()));
    }

    @Override
    public Map<String, Entry> entries() {
        return entries;
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        Slice slice = slices.get(name);
        if (slice == null) {
            return file.read(name, arena);
        }
        if (!whole.containsKey(slice.of()) && whole.size() == 2) {
            whole.clear(); // the next block's
        }
        MemorySegment all = whole.computeIfAbsent(slice.of(), of -> file.read(of, Arena.ofAuto()));
        return all.asSlice(slice.start(), entries.get(name).bytes());
    }

    @Override
    public void close() {
        file.close();
    }
}
