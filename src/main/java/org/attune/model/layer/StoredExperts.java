package org.attune.model.layer;

import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.TensorNames;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Puts single experts together as a family's files hold them, where these hold all of a block in
/// two tensors. transformers reads the experts of all other families one by one.
final class StoredExperts {
    private StoredExperts() {}

    /// The tensors of a model as its family's files hold them.
    ///
    /// @param tensors with a tensor for each projection of each expert, all of one dtype
    static List<Source> joined(DecoderConfig config, List<Source> tensors) {
        Optional<TensorNames.Experts> names = config.names().experts();
        if (names.flatMap(TensorNames.Experts::stored).isEmpty()) {
            return tensors;
        }
        Map<String, Source> all = new LinkedHashMap<>();
        tensors.forEach(t -> all.put(t.name(), t));
        var layout = new ExpertLayout(names.get(), names.get().stored().get());
        for (int layer = 0; layer < config.layers(); layer++) {
            Optional<ExpertsConfig> experts = config.block().feedForward().experts(layer);
            if (experts.isPresent()) {
                join(layout, config, config.names().block(layer), experts.get(), all);
            }
        }
        return List.copyOf(all.values());
    }

    private static void join(
            ExpertLayout layout,
            DecoderConfig config,
            String block,
            ExpertsConfig e,
            Map<String, Source> all) {
        int width = config.hiddenSize();
        Map<String, Map<Source, ExpertLayout.Slice>> parts = new HashMap<>();
        layout.slices(block, e.count(), e.inner(), width, e.biased())
                .forEach(
                        (name, slice) ->
                                parts.computeIfAbsent(slice.of(), _ -> new LinkedHashMap<>())
                                        .put(all.remove(name), slice));
        layout.shapes(block, e.count(), e.inner(), width, e.biased())
                .forEach((name, shape) -> all.put(name, joined(name, shape, parts.get(name))));
    }

    private static Source joined(String name, long[] shape, Map<Source, ExpertLayout.Slice> parts) {
        Source first = parts.keySet().iterator().next();
        long bytes = new Source(name, first.dtype(), shape, null).bytes();
        return new Source(
                name,
                first.dtype(),
                shape,
                arena -> {
                    MemorySegment whole = arena.allocate(bytes, Long.BYTES);
                    parts.forEach((part, slice) -> put(part, slice, whole));
                    return whole;
                });
    }

    private static void put(Source part, ExpertLayout.Slice slice, MemorySegment whole) {
        try (Arena own = Arena.ofConfined()) {
            slice.copy(whole, part.data().apply(own), part.dtype().bytes(), true);
        }
    }
}
