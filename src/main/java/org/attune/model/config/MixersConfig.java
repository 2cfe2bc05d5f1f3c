package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/// Which parts each block has, and what mixes tokens where attention doesn't.
///
/// @param layers parts of each block; empty: all have attention and a feed-forward part
/// @param state  the mixer that keeps a state, where blocks have one
/// @param attentionScale factor of what attention gives
/// @param originals of blocks that stand several times in the decoder: the block of the model's
///     files whose weights each has; empty: each has its own
public record MixersConfig(
        List<Parts> layers,
        Optional<StateConfig> state,
        double attentionScale,
        List<Integer> originals) {
    /// Attention and a feed-forward part in every block.
    public static final MixersConfig ATTENTION = new MixersConfig(List.of(), Optional.empty());

    private static final Parts USUAL = new Parts(true, false, true);

    /// Parts of one block. Attention and a state in one block read the same input, and what they
    /// put out is added.
    ///
    /// @param attention   whether attention mixes tokens
    /// @param state       whether a mixer with a state does
    /// @param feedForward whether there is a feed-forward part
    public record Parts(boolean attention, boolean state, boolean feedForward) {
        /// Whether tokens are mixed at all.
        public boolean mixes() {
            return attention || state;
        }
    }

    /// @throws ModelException if a block has no part
    public MixersConfig {
        layers = List.copyOf(layers);
        originals = List.copyOf(originals);
        for (int i = 0; i < layers.size(); i++) {
            if (!layers.get(i).mixes() && !layers.get(i).feedForward()) {
                throw new ModelException("layer " + i + " computes nothing");
            }
        }
    }

    /// Mixers whose attention is taken as it is.
    MixersConfig(List<Parts> layers, Optional<StateConfig> state) {
        this(layers, state, 1);
    }

    /// Mixers of blocks that have their own weights.
    MixersConfig(List<Parts> layers, Optional<StateConfig> state, double attentionScale) {
        this(layers, state, attentionScale, List.of());
    }

    /// A decoder whose blocks stand one behind the other as often as ranges say, each with the
    /// weights that it has in the model's files: PEFT's `layer_replication`.
    ///
    /// @param ranges `[start, end)` of the model's blocks; empty: as they are
    /// @throws ModelException if a range has other blocks, or blocks differ in kind
    public static DecoderConfig repeated(DecoderConfig config, List<List<Integer>> ranges) {
        if (ranges.isEmpty()) {
            return config;
        }
        List<Integer> originals = originals(ranges);
        for (int original : originals) {
            if (original >= config.layers()) {
                throw new ModelException(
                        "layer_replication %s names layer %d; the model has %d, from 0"
                                .formatted(ranges, original, config.layers()));
            }
        }
        requireRepeatable(config, ranges);
        return ofLayers(config, originals.size(), originals);
    }

    /// The blocks that ranges name, in their order.
    public static List<Integer> originals(List<List<Integer>> ranges) {
        return ranges.stream()
                .flatMapToInt(range -> IntStream.range(range.get(0), range.get(1)))
                .boxed()
                .toList();
    }

    /// The decoder as one whose blocks all have their own weights in its files.
    public static DecoderConfig ownBlocks(DecoderConfig config) {
        return config.block().mixers().originals.isEmpty()
                ? config
                : ofLayers(config, config.layers(), List.of());
    }

    private static DecoderConfig ofLayers(
            DecoderConfig config, int layers, List<Integer> originals) {
        MixersConfig own = config.block().mixers();
        List<Parts> parts =
                own.layers.isEmpty() ? own.layers : Collections.nCopies(layers, own.parts(0));
        var mixers = new MixersConfig(parts, own.state, own.attentionScale, originals);
        return config.with(config.block().ofLayers(layers, mixers), config.ends());
    }

    /// In models whose layers differ, transformers takes a copy's kind from its place, not from the
    /// layer that it is a copy of.
    private static void requireRepeatable(DecoderConfig config, List<List<Integer>> ranges) {
        BlockConfig block = config.block();
        FeedForwardConfig part = block.feedForward();
        boolean alike =
                block.mixers().layers().stream().distinct().count() <= 1
                        && block.attention().windows().stream().distinct().count() == 1
                        && block.attention().varied().isEmpty()
                        && part.experts().filter(e -> !e.dense().isEmpty()).isEmpty()
                        && part.inners().isEmpty()
                        && part.closed().isEmpty()
                        && block.end().equals(BlockConfig.End.NONE)
                        && IntStream.range(0, config.layers())
                                .allMatch(l -> config.rotates(l) == config.rotates(0));
        String path = config.names().block(0);
        if (!alike || !path.equals("model.layers.0.") || config.vision().isPresent()) {
            throw new ModelException(
                    "layer_replication %s on a model of the family %s%s; accepted for models of text"
                                    .formatted(
                                            ranges,
                                            config.modelType(),
                                            alike ? "" : " with layers of several kinds")
                            + " whose layers model.layers.N are all alike, as PEFT and transformers"
                            + " compute them");
        }
    }

    /// Whether some block has a part.
    boolean some(Predicate<Parts> part) {
        return layers.isEmpty() ? part.test(USUAL) : layers.stream().anyMatch(part);
    }

    /// Parts of a block.
    public Parts parts(int layer) {
        return layers.isEmpty() ? USUAL : layers.get(layer);
    }
}
