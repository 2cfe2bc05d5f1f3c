package org.attune.model.config;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.model.config.AttentionConfig.Sizes;
import org.attune.model.config.AttentionConfig.Varied;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// Reads models with several copies of the residual stream, learned residuals, vectors that layers
/// read of tokens, and gates that are closed by their distribution.
final class AltUpJson {
    private static final String INNER = "intermediate_size";
    private static final String CLOSED = "activation_sparsity_pattern";
    private static final String PATTERN = "sliding_window_pattern";
    private static final int MOST_COPIES = 64;
    private static final int SPARSE_LAYERS = 10; // of models with more layers
    private static final double SPARSITY = 0.95;

    private AltUpJson() {}

    /// A model whose usual keys are called as Llama's.
    static DecoderConfig read(JsonFields json, DecoderFamily family) {
        int pattern = family.absent().pattern();
        if (json.texts("layer_types").isEmpty() && json.integer(PATTERN, pattern) != pattern) {
            throw json.invalid(PATTERN, pattern + "; layer_types may say other layers");
        }
        DecoderConfig plain = ConfigJson.parse(json, family);
        BlockConfig b = plain.block();
        AttentionConfig a = plain.attention();
        var sizes = new Sizes(a.kvHeads(), a.headDim(), false);
        List<Integer> sources = VariedJson.sources(json, a.windows(), 15);
        return plain.with(
                new BlockConfig(
                        b.order(),
                        b.norm(),
                        a.withVaried(new Varied(sizes, sizes, sources, true)),
                        feedForward(json, b.feedForward(), plain.layers()),
                        residual(json),
                        b.mixers(),
                        end(json)),
                plain.ends());
    }

    /// Width inside of the widest feed-forward part.
    static int inner(JsonFields json) {
        return inners(json).stream().mapToInt(Integer::intValue).max().orElse(16384);
    }

    private static List<Integer> inners(JsonFields json) {
        List<Integer> widths = json.integers(INNER);
        if (widths.stream().anyMatch(width -> width < 1 || width > DecoderConfig.MOST_ROWS)) {
            throw json.invalid(INNER, "integers from 1 to " + DecoderConfig.MOST_ROWS);
        }
        return widths;
    }

    private static FeedForwardConfig feedForward(
            JsonFields json, FeedForwardConfig usual, int layers) {
        List<Integer> widths = inners(json);
        if (widths.size() > 1 && widths.size() != layers) {
            throw perLayer(json, INNER, layers);
        }
        List<Double> closed =
                json.has(CLOSED)
                        ? json.numbers(CLOSED)
                        : IntStream.range(0, layers)
                                .mapToObj(i -> layers > SPARSE_LAYERS && i < SPARSE_LAYERS)
                                .map(sparse -> sparse ? SPARSITY : 0)
                                .toList();
        if (closed.size() != layers) {
            throw perLayer(json, CLOSED, layers);
        }
        boolean alike = widths.stream().distinct().count() <= 1;
        return (alike ? usual : usual.withInners(widths)).withClosed(closed);
    }

    private static ModelException perLayer(JsonFields json, String key, int layers) {
        return json.invalid(key, "one entry for each of " + layers + " layers");
    }

    private static BlockConfig.Residual residual(JsonFields json) {
        return new BlockConfig.Residual(
                1,
                json.size("laurel_rank", DecoderConfig.MOST_FEATURES, 64),
                Optional.of(
                        new BlockConfig.Copies(
                                json.size("altup_num_inputs", MOST_COPIES, 4),
                                json.integer("altup_active_idx", 0),
                                json.flag("altup_correct_scale", true))));
    }

    private static BlockConfig.End end(JsonFields json) {
        return new BlockConfig.End(
                json.size(VariedJson.INPUT_WIDTH, DecoderConfig.MOST_FEATURES, 256),
                json.size(VariedJson.INPUT_ROWS, DecoderConfig.MOST_ROWS, 262144),
                false);
    }
}
