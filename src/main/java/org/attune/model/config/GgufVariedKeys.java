package org.attune.model.config;

import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;

/// Says in the metadata of a GGUF file what differs between the layers of a model, the reverse of
/// [GgufVaried].
///
/// @param config of the model
/// @param to     takes keys of the architecture
record GgufVariedKeys(DecoderConfig config, BiConsumer<String, Object> to) {
    /// Below it are 95 % of a normal distribution: llama.cpp closes so many gates.
    private static final float BOUND = 1.6448533535f;

    void put() {
        AttentionConfig a = config.attention();
        AttentionConfig.Varied varied = a.varied().orElseThrow();
        lengths("", varied.full().headDim());
        config.block().residual().copies().ifPresentOrElse(this::altUp, () -> sizes(varied));
        perLayer(GgufVaried.KV_HEADS, layer -> a.sizes(layer).kvHeads());
        perLayer(GgufVaried.INNER, layer -> config.block().feedForward().inner(layer));
        List<Integer> windows = a.windows();
        to.accept(
                "attention.sliding_window_pattern",
                windows.stream().map(tokens -> tokens > 0).toList());
        if (windows.stream().allMatch(tokens -> tokens == 0)) { // llama.cpp needs the key
            put("attention.sliding_window", config.maxPositionEmbeddings());
        }
        put(GgufVaried.SHARED, shared(a));
        put(GgufVaried.INPUT, config.block().end().width());
        to.accept(GgufVaried.CAP, (float) config.ends().softcap());
    }

    private void sizes(AttentionConfig.Varied varied) {
        lengths(GgufVaried.IN_WINDOWS, varied.inWindows().headDim());
        put(
                "rope.dimension_count" + GgufVaried.IN_WINDOWS,
                config.rope().inWindows().rotaryDim(varied.inWindows().headDim()));
    }

    private void altUp(BlockConfig.Copies copies) {
        put(GgufVaried.COUNT, copies.count());
        put(GgufVaried.ACTIVE, copies.active());
        to.accept(
                GgufVaried.CLOSED,
                IntStream.range(0, config.layers())
                        .mapToObj(i -> GgufVaried.closed(i) > 0 ? BOUND : Float.NEGATIVE_INFINITY)
                        .toList());
    }

    /// Layers that attend to the keys of others.
    static int shared(AttentionConfig a) {
        return (int)
                IntStream.range(0, a.windows().size())
                        .filter(layer -> a.source(layer) != layer)
                        .count();
    }

    private void lengths(String end, int headDim) {
        put(GgufVaried.KEYS + end, headDim);
        put(GgufVaried.VALUES + end, headDim);
    }

    private void put(String key, long value) {
        to.accept(key, value);
    }

    /// One number if all layers have it.
    private void perLayer(String key, IntToLongFunction value) {
        List<Long> all =
                IntStream.range(0, config.layers()).mapToObj(i -> value.applyAsLong(i)).toList();
        boolean alike = all.stream().distinct().count() == 1;
        to.accept(key, alike ? all.getFirst() : all);
    }
}
