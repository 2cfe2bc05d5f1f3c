package org.attune.model.layer;

import org.attune.files.FewBits;
import org.attune.files.TensorFile;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.TensorNames;
import org.attune.tensor.DType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Experts of a file that holds all of a block in two tensors, under the names that they have one
/// by one ([ExpertLayout], [Mxfp4]). Borrows the file.
final class SplitExperts implements TensorFile {
    private static final String ROUTER = "mlp.gate.weight"; // transformers 5 has in memory

    private final TensorFile file;
    private final Map<String, Entry> entries;
    private final Map<String, ExpertLayout.Slice> slices = new HashMap<>();
    private final Map<String, MemorySegment> whole = new HashMap<>(); // of one block at a time
    private int sources; // tensors of a block

    private SplitExperts(TensorFile file) {
        this.file = file;
        entries = new LinkedHashMap<>(file.entries());
    }

    /// The file with a tensor for each projection of each expert: itself, if it has them.
    static TensorFile of(DecoderConfig config, TensorFile file) {
        if (config.names().experts().isEmpty()) {
            return file;
        }
        var split = new SplitExperts(file);
        TensorNames.Experts names = config.names().experts().get();
        for (int layer = 0; layer < config.layers(); layer++) {
            String block = config.names().block(layer);
            for (TensorNames.Stored stored : ExpertLayout.known(names)) {
                if (file.entries().containsKey(block + stored.up())
                        && file.entries().containsKey(block + stored.down())) {
                    split.cut(new ExpertLayout(names, stored), block);
                }
            }
        }
        return split.slices.isEmpty() ? file : split;
    }

    private void cut(ExpertLayout layout, String block) {
        Map<String, Entry> decoded = new HashMap<>(file.entries());
        for (String name : new String[] {layout.stored().up(), layout.stored().down()}) {
            decoded.compute(block + name, (_, entry) -> Mxfp4.decoded(entry, file.entries()));
        }
        Set<String> taken = new HashSet<>();
        layout.slices(block, decoded)
                .forEach(
                        (name, slice) -> {
                            put(name, slice, decoded.get(slice.of()).dtype());
                            taken.add(slice.of());
                        });
        for (String name : Set.copyOf(taken)) {
            if (Mxfp4.isBlocks(name)) {
                taken.add(Mxfp4.scales(name));
            }
        }
        entries.keySet().removeAll(taken);
        sources = Math.max(sources, taken.size());
        Entry router = entries.get(block + ROUTER);
        if (router != null && !layout.names().router().equals("mlp.gate")) {
            entries.remove(router.name());
            put(
                    block + layout.names().router() + ".weight",
                    new ExpertLayout.Slice(router.name(), 0, router.shape(), router.shape()[1], 1),
                    router.dtype());
        }
    }

    private void put(String name, ExpertLayout.Slice slice, DType dtype) {
        entries.put(name, new Entry(name, dtype, slice.shape()));
        slices.put(name, slice);
    }

    @Override
    public Map<String, Entry> entries() {
        return entries;
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        ExpertLayout.Slice slice = slices.get(name);
        if (slice == null) {
            return file.read(name, arena);
        }
        Entry entry = entries.get(name);
        Optional<FewBits> bits = bits(name);
        if (bits.isPresent()) {
            return bits.get().decoded(entry, arena);
        }
        MemorySegment all = whole(slice.of());
        int size = entry.dtype().bytes();
        if (slice.isDense()) {
            return all.asSlice(slice.start() * size, entry.bytes());
        }
        MemorySegment out = arena.allocate(entry.bytes(), Long.BYTES);
        slice.copy(all, out, size, false);
        return out;
    }

    private MemorySegment whole(String name) {
        if (!whole.containsKey(name) && whole.size() >= sources) {
            whole.clear(); // the next block's
        }
        return whole.computeIfAbsent(name, of -> file.read(of, Arena.ofAuto()));
    }

    @Override
    public Optional<FewBits> bits(String name) {
        ExpertLayout.Slice slice = slices.get(name);
        if (slice == null) {
            return file.bits(name);
        }
        String of = slice.of();
        return Mxfp4.isBlocks(of)
                ? Optional.of(Mxfp4.bits(slice, () -> whole(of), () -> whole(Mxfp4.scales(of))))
                : Optional.empty();
    }

    @Override
    public void close() {
        file.close();
    }
}
