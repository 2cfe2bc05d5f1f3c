package org.attune.model.layer;

import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.TensorNames;
import org.attune.model.config.VisionConfig.Names;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/// Puts single experts together as a family's files hold them, where these hold all of a block in
/// two tensors, and calls tensors as the files do. transformers reads the experts of all other
/// families one by one.
final class StoredExperts {
    private StoredExperts() {}

    /// The tensors of a model as its family's files hold them.
    ///
    /// @param tensors with a tensor for each projection of each expert, all of one dtype
    static List<Source> joined(DecoderConfig config, List<Source> tensors) {
        if (config.vision().isPresent()) {
            Names names = config.vision().get().names();
            return written(config, tensors).stream().map(t -> named(names::inFile, t)).toList();
        }
        return written(config, tensors);
    }

    private static List<Source> written(DecoderConfig config, List<Source> tensors) {
        Optional<TensorNames.Experts> names = config.names().experts();
        if (names.flatMap(TensorNames.Experts::stored).isEmpty()) {
            return config.names().inFiles().isEmpty()
                    ? tensors
                    : tensors.stream().map(t -> named(config.names()::inFile, t)).toList();
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

    private static Source named(UnaryOperator<String> inFile, Source t) {
        return new Source(inFile.apply(t.name()), t.dtype(), t.shape(), t.data());
    }

    private static void join(
            ExpertLayout layout,
            DecoderConfig config,
            String block,
            ExpertsConfig e,
            Map<String, Source> all) {
        int width = config.hiddenSize();
        Map<String, Map<Source, BiConsumer<MemorySegment, MemorySegment>>> parts = new HashMap<>();
        layout.slices(block, e.count(), e.inner(), width, e.biased())
                .forEach(
                        (name, slice) -> {
                            Source part = all.remove(name);
                            int bytes = part.dtype().bytes();
                            parts.computeIfAbsent(slice.of(), _ -> new LinkedHashMap<>())
                                    .put(part, (whole, own) -> slice.copy(whole, own, bytes, true));
                        });
        layout.shapes(block, e.count(), e.inner(), width, e.biased())
                .forEach(
                        (name, shape) ->
                                all.put(name, Source.joined(name, shape, parts.get(name))));
    }
}
