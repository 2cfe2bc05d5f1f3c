package org.attune.model.config;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.model.config.AttentionConfig.Sizes;
import org.attune.model.config.AttentionConfig.Varied;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/// Reads what differs between the layers of a model: sizes of attention, whose keys and values a
/// layer attends to, widths of feed-forward parts, and vectors that layers read of tokens.
final class VariedJson {
    static final String INPUT_WIDTH = "hidden_size_per_layer_input";

    static final String INPUT_ROWS = "vocab_size_per_layer_input";
    private static final String LAYERS = "per_layer_config";
    private static final String HEAD_DIM = "head_dim";
    private static final String KV_HEADS = "num_key_value_heads";
    private static final String SHARED = "num_kv_shared_layers";

    private VariedJson() {}

    /// A model whose usual keys are called as Llama's.
    static DecoderConfig read(JsonFields json, DecoderFamily family) {
        DecoderConfig plain = ConfigJson.parse(json, family);
        BlockConfig b = plain.block();
        List<Integer> sources = sources(json, plain.attention().windows(), 0);
        AttentionConfig attention =
                plain.attention()
                        .withVaried(
                                new Varied(
                                        sizes(json, plain, false),
                                        sizes(json, plain, true),
                                        sources,
                                        true));
        return plain.with(
                new BlockConfig(
                        b.order(),
                        b.norm(),
                        attention,
                        widened(json, b.feedForward(), sources),
                        b.residual(),
                        b.mixers(),
                        end(json, plain)),
                plain.ends());
    }

    /// Sizes of all layers with a window, or without one.
    private static Sizes sizes(JsonFields json, DecoderConfig plain, boolean windows) {
        boolean keysAreValues = !windows && json.flag("attention_k_eq_v", false);
        AttentionConfig a = plain.attention();
        var usual = new Sizes(a.kvHeads(), a.headDim(), keysAreValues);
        Optional<JsonFields> layers = json.object(LAYERS);
        if (layers.isEmpty()) {
            return windows ? usual : full(json, usual);
        }
        requireLayers(layers.get(), plain.layers());
        List<Sizes> found =
                IntStream.range(0, plain.layers())
                        .filter(layer -> a.windows().get(layer) > 0 == windows)
                        .mapToObj(layer -> sizes(layers.get().object("" + layer), usual))
                        .distinct()
                        .toList();
        if (found.size() > 1) {
            throw json.invalid(
                    LAYERS,
                    "equal sizes in all layers "
                            + (windows ? "with a window" : "without a window"));
        }
        return found.isEmpty() ? usual : found.getFirst();
    }

    private static Sizes full(JsonFields json, Sizes usual) {
        int most = DecoderConfig.MOST_FEATURES;
        return new Sizes(
                usual.keysAreValues()
                        ? json.size("num_global_key_value_heads", most, usual.kvHeads())
                        : usual.kvHeads(),
                json.size("global_head_dim", most, 512),
                usual.keysAreValues());
    }

    private static Sizes sizes(Optional<JsonFields> layer, Sizes usual) {
        int most = DecoderConfig.MOST_FEATURES;
        return layer.map(
                        own ->
                                new Sizes(
                                        own.size(KV_HEADS, most, usual.kvHeads()),
                                        own.size(HEAD_DIM, most, usual.headDim()),
                                        usual.keysAreValues()))
                .orElse(usual);
    }

    /// Passing over a key would compute a layer otherwise than the model's own code.
    private static void requireLayers(JsonFields layers, int count) {
        for (String layer : layers.keys()) {
            boolean known = layer.matches("\\d{1,9}") && Integer.parseInt(layer) < count;
            if (!known) {
                throw layers.invalid(layer, "numbers of layers, 0 to " + (count - 1));
            }
            JsonFields own = layers.object(layer).orElseThrow();
            for (String key : own.keys()) {
                if (!Set.of(HEAD_DIM, KV_HEADS).contains(key)) {
                    throw own.invalid(key, "no key but " + HEAD_DIM + " and " + KV_HEADS);
                }
            }
        }
    }

    /// The last layers attend to keys of the last earlier layer with a window, or without one.
    ///
    /// @param absent of an absent key
    static List<Integer> sources(JsonFields json, List<Integer> windows, int absent) {
        int layers = windows.size();
        int shared = json.integer(SHARED, absent);
        if (shared < 0 || shared >= layers) {
            throw json.invalid(SHARED, "0 to %d, fewer than layers".formatted(layers - 1));
        }
        int first = layers - shared;
        List<Integer> sources = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            int source = Math.min(layer, first - 1);
            while (layer >= first && windows.get(source) > 0 != windows.get(layer) > 0) {
                source--;
                if (source < 0) {
                    throw new ModelException(
                            ("%s: layer %d is to attend to keys of a layer of its kind below %d,"
                                            + " and there is none; lower %s")
                                    .formatted(json.where(), layer, first, SHARED));
                }
            }
            sources.add(layer < first ? layer : source);
        }
        return sources;
    }

    /// Layers that have no keys may have feed-forward parts of twice the width.
    private static FeedForwardConfig widened(
            JsonFields json, FeedForwardConfig usual, List<Integer> sources) {
        boolean shares = IntStream.range(0, sources.size()).anyMatch(i -> sources.get(i) != i);
        if (!shares || !json.flag("use_double_wide_mlp", false)) {
            return usual;
        }
        return usual.withInners(
                IntStream.range(0, sources.size())
                        .mapToObj(i -> (sources.get(i) == i ? 1 : 2) * usual.inner())
                        .toList());
    }

    private static BlockConfig.End end(JsonFields json, DecoderConfig plain) {
        // A width of 0 or null is none.
        boolean none = json.mentions(INPUT_WIDTH) && json.integer(INPUT_WIDTH, 0) == 0;
        int width = none ? 0 : json.size(INPUT_WIDTH, DecoderConfig.MOST_FEATURES, 256);
        int rows = json.size(INPUT_ROWS, DecoderConfig.MOST_ROWS, 262144);
        if (width > 0 && rows < plain.vocabSize()) {
            throw json.invalid(
                    INPUT_ROWS, "at least %d, the vocabulary".formatted(plain.vocabSize()));
        }
        return new BlockConfig.End(width, width > 0 ? rows : 0, true);
    }
}
