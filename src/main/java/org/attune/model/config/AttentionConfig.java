package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// Attention of a decoder.
///
/// @param heads      query heads
/// @param kvHeads    key and value heads; divides `heads`
/// @param headDim    features of a head, even; may differ from hidden size / heads
/// @param qkvBias    whether q, k and v projections have biases
/// @param outputBias whether the output projection has one
/// @param qkNorm     how queries and keys are normed
/// @param windows    per layer: tokens that a token sees, itself included; 0 is all
/// @param dropout    share of attention's probabilities that training sets to 0; no computation
///     here does, so only what doesn't train may use a model that asks for it
/// @param scale      factor of the products of queries and keys
/// @param softcap    `c` of `c · tanh(score / c)`, which bounds scores before they are masked; 0 is
///     none
/// @param latent     sizes of latent attention; empty: queries, keys and values are projections of
///     the block's input
/// @param sinks      whether each head has a learned score beside those of its keys, which takes
///     its share of the softmax and gives nothing
///     ([Xiao et al. 2024, §3](https://arxiv.org/abs/2309.17453))
/// @param gated      whether what a head gives is multiplied by the sigmoid of a gate, which the
///     query projection gives behind the query of each head
/// @param chunked    whether windows are chunks, which begin at multiples of the window: a token
///     sees what comes before it in the same one
/// @param varied   what differs between layers; empty: all have these heads, and each its own keys
///     and values
/// @param picturesWhole whether rows of pictures that stand side by side see each other in both
///     directions, as far as a layer's window reaches
/// @param throughWindows whether they do so however small a layer's window is
/// @param clip     largest size of a number of queries, keys and values, which bounds them behind
///     their norms and before they are rotated; 0 is none
public record AttentionConfig(
        int heads,
        int kvHeads,
        int headDim,
        boolean qkvBias,
        boolean outputBias,
        QkNorm qkNorm,
        List<Integer> windows,
        double dropout,
        double scale,
        double softcap,
        boolean sinks,
        boolean gated,
        Optional<Latent> latent,
        boolean chunked,
        Optional<Varied> varied,
        boolean picturesWhole,
        boolean throughWindows,
        double clip) {
    /// Attention that differs between layers, and whose last layers may attend to keys and values
    /// of earlier ones ([Brandon et al. 2024, §3](https://arxiv.org/abs/2405.12981)).
    ///
    /// @param full         sizes in layers without a window
    /// @param inWindows    sizes in layers with one
    /// @param sources      per layer: the layer whose keys and values it attends to
    /// @param normedValues whether values are normed, without a weight
    public record Varied(Sizes full, Sizes inWindows, List<Integer> sources, boolean normedValues) {
        /// @throws ModelException if a layer attends to keys of a layer that has none
        public Varied {
            sources = List.copyOf(sources);
            for (int layer = 0; layer < sources.size(); layer++) {
                int source = sources.get(layer);
                if (source < 0 || source > layer || sources.get(source) != source) {
                    throw new ModelException(
                            "layer %d attends to keys of layer %d, which has none"
                                    .formatted(layer, source));
                }
            }
        }

        /// Whether other layers attend to the keys and values of this one.
        public boolean lends(int layer) {
            return sources.stream().filter(source -> source == layer).count() > 1;
        }
    }

    /// Sizes of a layer's attention.
    ///
    /// @param kvHeads       key and value heads; divides the query heads
    /// @param headDim       features of a head
    /// @param keysAreValues whether values are the keys' projections, before these are normed and
    ///     rotated
    public record Sizes(int kvHeads, int headDim, boolean keysAreValues) {
        private void requireFits(int heads) {
            boolean divides = kvHeads > 0 && heads % kvHeads == 0;
            if (!divides || headDim < 1 || headDim > DecoderConfig.MOST_FEATURES) {
                throw new ModelException(
                        ("num_attention_heads %d is no multiple of the %d key and value heads of a"
                                        + " layer, or head_dim %d is no size")
                                .formatted(heads, kvHeads, headDim));
            }
        }
    }

    /// Latent attention, whose keys and values are made of one short vector of each token
    /// ([DeepSeek-V2, §2.1](https://arxiv.org/abs/2405.04434)).
    ///
    /// @param queryRank numbers of the vector that queries are made of; empty: they are made of the
    ///     block's input
    /// @param rank      numbers of the vector that keys and values are made of
    /// @param still     features of a key that aren't rotated, those before the others
    /// @param rotated   features of a key that are, which all heads share
    /// @param valueDim  features of a value
    public record Latent(OptionalInt queryRank, int rank, int still, int rotated, int valueDim) {
        /// ε of the norms of short vectors in all families.
        public static final double EPSILON = 1e-6;

        private static final String PATH = "self_attn.";

        /// Shapes `(out, in)` of the linear layers in the order in which they are computed, by path
        /// in the block.
        ///
        /// @param width of the block's input
        public Map<String, long[]> linears(long heads, long width) {
            Map<String, long[]> all = new LinkedHashMap<>();
            long queries = heads * (still + rotated);
            if (queryRank.isPresent()) {
                all.put(PATH + "q_a_proj", new long[] {queryRank.getAsInt(), width});
                all.put(PATH + "q_b_proj", new long[] {queries, queryRank.getAsInt()});
            } else {
                all.put(PATH + "q_proj", new long[] {queries, width});
            }
            all.put(PATH + "kv_a_proj_with_mqa", new long[] {rank + rotated, width});
            all.put(PATH + "kv_b_proj", new long[] {heads * (still + valueDim), rank});
            all.put(PATH + "o_proj", new long[] {width, heads * valueDim});
            return all;
        }

        /// Lengths of the norms, by path in the block.
        public Map<String, Integer> norms() {
            Map<String, Integer> all = new LinkedHashMap<>();
            queryRank.ifPresent(size -> all.put(PATH + "q_a_layernorm", size));
            all.put(PATH + "kv_a_layernorm", rank);
            return all;
        }
    }

    /// @throws org.attune.error.ModelException if the dropout is no probability below 1, or a cap
    ///     isn't positive
    public AttentionConfig {
        windows = List.copyOf(windows);
        if (varied.isPresent()) {
            varied.get().full().requireFits(heads);
            varied.get().inWindows().requireFits(heads);
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new ModelException("attention_dropout is " + dropout + "; accepted: [0, 1)");
        }
        if (!(softcap >= 0 && Double.isFinite(softcap))) {
            throw new ModelException(
                    "attn_logit_softcapping is " + softcap + "; accepted: above 0, or null");
        }
        if (!(clip >= 0 && Double.isFinite(clip))) {
            throw new ModelException("clip_qkv is " + clip + "; accepted: above 0, or null");
        }
        if (clip > 0 && qkNorm.isAfterRotation()) {
            throw new ModelException("clip_qkv has no place where norms come behind rotations");
        }
    }

    /// Attention of a model of which no layer has some: the smallest that there is.
    static AttentionConfig none(int layers) {
        return new AttentionConfig(1, 1, 2, false, false, false, Collections.nCopies(layers, 0));
    }

    /// The first position that a token sees.
    ///
    /// @param window of the layer; 0 is none
    public int firstSeen(int position, int window) {
        if (window == 0) {
            return 0;
        }
        return chunked ? position / window * window : Math.max(0, position - window + 1);
    }

    /// Attention of text, alike in all layers but for their windows.
    public AttentionConfig(
            int heads,
            int kvHeads,
            int headDim,
            boolean qkvBias,
            boolean outputBias,
            QkNorm qkNorm,
            List<Integer> windows,
            double dropout,
            double scale,
            double softcap,
            boolean sinks,
            boolean gated,
            Optional<Latent> latent,
            boolean chunked) {
        this(
                heads,
                kvHeads,
                headDim,
                qkvBias,
                outputBias,
                qkNorm,
                windows,
                dropout,
                scale,
                softcap,
                sinks,
                gated,
                latent,
                chunked,
                Optional.empty(),
                false,
                false,
                0);
    }

    /// Attention without sinks, gates and chunks, alike in all layers but for their windows.
    public AttentionConfig(
            int heads,
            int kvHeads,
            int headDim,
            boolean qkvBias,
            boolean outputBias,
            QkNorm qkNorm,
            List<Integer> windows,
            double dropout,
            double scale,
            double softcap) {
        this(
                heads,
                kvHeads,
                headDim,
                qkvBias,
                outputBias,
                qkNorm,
                windows,
                dropout,
                scale,
                softcap,
                false,
                false,
                Optional.empty(),
                false);
    }

    /// Whether a linear layer of latent attention has a bias. Those that make short vectors have
    /// one as `qkvBias` says; those that read them, and queries made of the input, never do.
    ///
    /// @param path in the block, of [Latent#linears]
    public boolean latentBias(String path) {
        return switch (path.substring(Latent.PATH.length())) {
            case "q_a_proj", "kv_a_proj_with_mqa" -> qkvBias;
            case "o_proj" -> outputBias;
            default -> false;
        };
    }

    /// Sizes of a layer.
    public Sizes sizes(int layer) {
        return varied.map(v -> windows.get(layer) > 0 ? v.inWindows() : v.full())
                .orElseGet(() -> new Sizes(kvHeads, headDim, false));
    }

    /// The layer whose keys and values a layer attends to: itself, unless it shares another's.
    public int source(int layer) {
        return varied.map(v -> v.sources().get(layer)).orElse(layer);
    }

    /// Features of a head that positions may rotate, in layers without a window where they differ.
    public int rotatedHead() {
        return latent.map(Latent::rotated)
                .or(() -> varied.map(v -> v.full().headDim()))
                .orElse(headDim);
    }

    /// Features of a head that positions may rotate in layers with a window.
    public int rotatedInWindows() {
        return varied.map(v -> v.inWindows().headDim()).orElseGet(this::rotatedHead);
    }

    /// Features of a value in a layer.
    public int valueDim(int layer) {
        return latent.map(Latent::valueDim).orElseGet(() -> sizes(layer).headDim());
    }

    /// Features of a value of latent attention, or of attention that is alike in all layers.
    public int valueDim() {
        return latent.map(Latent::valueDim).orElse(headDim);
    }

    /// Numbers of a layer's key or value in a cache, which has room for the longer one.
    public int cachedDim(int layer) {
        return Math.max(sizes(layer).headDim(), valueDim(layer));
    }

    /// Attention with another factor of the products of queries and keys.
    AttentionConfig withScale(double other) {
        return with(windows, other, varied, picturesWhole, throughWindows, clip);
    }

    /// Attention that differs between layers.
    AttentionConfig withVaried(Varied layers) {
        return with(windows, scale, Optional.of(layers), picturesWhole, throughWindows, clip);
    }

    /// Attention in which rows of pictures that stand side by side see each other.
    ///
    /// @param through whether windows leave none of them out
    AttentionConfig withPicturesWhole(boolean through) {
        return with(windows, scale, varied, true, through, clip);
    }

    /// Attention with bounded queries, keys and values.
    public AttentionConfig withClip(double largest) {
        return with(windows, scale, varied, picturesWhole, throughWindows, largest);
    }

    /// Attention alike in another number of layers.
    AttentionConfig ofLayers(int layers) {
        List<Integer> alike = Collections.nCopies(layers, windows.getFirst());
        return with(alike, scale, varied, picturesWhole, throughWindows, clip);
    }

    private AttentionConfig with(
            List<Integer> otherWindows,
            double otherScale,
            Optional<Varied> layers,
            boolean whole,
            boolean through,
            double largest) {
        return new AttentionConfig(
                heads,
                kvHeads,
                headDim,
                qkvBias,
                outputBias,
                qkNorm,
                otherWindows,
                dropout,
                otherScale,
                softcap,
                sinks,
                gated,
                latent,
                chunked,
                layers,
                whole,
                through,
                largest);
    }

    /// Features that the query projection gives.
    public int projectedQueries() {
        return (gated ? 2 : 1) * heads * headDim;
    }

    /// Attention with scores of queries and keys over the root of their length, without a cap.
    ///
    /// @param qkNorm whether heads are normed
    public AttentionConfig(
            int heads,
            int kvHeads,
            int headDim,
            boolean qkvBias,
            boolean outputBias,
            boolean qkNorm,
            List<Integer> windows,
            double dropout) {
        this(
                heads,
                kvHeads,
                headDim,
                qkvBias,
                outputBias,
                qkNorm ? QkNorm.HEADS : QkNorm.NONE,
                windows,
                dropout,
                1 / Math.sqrt(headDim),
                0);
    }

    /// Attention without dropout.
    ///
    /// @param qkNorm whether heads are normed
    public AttentionConfig(
            int heads,
            int kvHeads,
            int headDim,
            boolean qkvBias,
            boolean outputBias,
            boolean qkNorm,
            List<Integer> windows) {
        this(heads, kvHeads, headDim, qkvBias, outputBias, qkNorm, windows, 0);
    }
}
