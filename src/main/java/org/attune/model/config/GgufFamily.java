package org.attune.model.config;

import org.attune.model.config.GgufFamily.Key.Kind;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/// How the GGUF files of one architecture describe a model: which family of transformers it is, and
/// what they say beyond what all files say. Absent keys have llama.cpp's values.
///
/// @param architecture `general.architecture`
/// @param modelTypes   families of which files have that name
/// @param choice       one of `modelTypes` for a file
/// @param keys         further keys, as `config.json` has them
/// @param fixed        keys of `config.json` of which files say nothing
/// @param windows      layers that see a window
/// @param parts        further parts of the description
/// @param names        keys of `config.json` that the family calls otherwise
/// @param writes       further families whose models are written as this architecture
/// @param tensors      tensors by which its files differ from others: a name that begins with `-`
///     is of one that they don't have
record GgufFamily(
        String architecture,
        List<String> modelTypes,
        Function<GgufDescription, String> choice,
        List<Key> keys,
        Map<String, Object> fixed,
        Windows windows,
        List<Part> parts,
        Map<String, String> names,
        List<String> writes,
        List<String> tensors) {
    /// Tensors that the files of most architectures have.
    private static final List<String> USUAL =
            List.of(
                    "output_norm.weight",
                    "ffn_norm.weight",
                    "ffn_gate.weight",
                    "ffn_gate_shexp.weight");

    /// Tensors that its files have and those of other architectures may not have.
    Set<String> chosen() {
        Set<String> all = new HashSet<>(USUAL);
        for (String name : tensors) {
            if (name.startsWith("-")) {
                all.remove(name.substring(1));
            } else {
                all.add(name);
            }
        }
        return all;
    }

    /// A number that both files have.
    ///
    /// @param gguf   key without the architecture
    /// @param json   key of `config.json`
    /// @param absent of an absent key, or of 0 if that means none
    record Key(String gguf, String json, Kind kind, double absent) {
        /// What the number is.
        enum Kind {
            /// An integer.
            INTEGER,
            /// A number.
            NUMBER,
            /// A number of which llama.cpp takes 0 for none.
            FACTOR,
            /// True or false.
            FLAG
        }
    }

    /// Layers that see a window of `attention.sliding_window` tokens.
    ///
    /// @param rule     which ones
    /// @param interval of the layers without a window, where `attention.sliding_window_pattern`
    ///     doesn't say which these are
    /// @param absent   tokens, where the key is absent; 0: no layer has a window then
    record Windows(Rule rule, int interval, int absent) {
        static final Windows NONE = new Windows(Rule.NONE, 0, 0);

        /// Which layers.
        enum Rule {
            /// No layer: a key that says otherwise is refused.
            NONE,
            /// All layers.
            ALL,
            /// All but each n-th.
            PATTERN
        }
    }

    /// A part of a description that takes more than keys of the same meaning.
    enum Part {
        /// Latent attention.
        LATENT,
        /// Short convolutions in layers without key heads.
        SHORT_CONVOLUTION,
        /// Gated DeltaNet in all layers but some.
        GATED_DELTA,
        /// The delta rule with a decay of each channel, in layers without key heads.
        CHANNEL_DELTA,
        /// Mamba-2 in all layers, and nothing else.
        MAMBA,
        /// Mamba-2 in layers without key heads.
        MAMBA_OR_ATTENTION,
        /// Mamba-2 beside the attention of each layer.
        MAMBA_BESIDE,
        /// One part in each layer: Mamba-2, attention or feed-forward.
        ONE_PART,
        /// Queries grow with their positions.
        GROWTH,
        /// The family's largest model has another scale of scores.
        LARGEST_SCALE,
        /// Experts score by a sigmoid, or the file is refused.
        SIGMOID,
        /// Both parts of a block read one norm if there is no second one.
        ONE_NORM,
        /// Norms are of mean and variance, which the family's row doesn't say.
        LAYER_NORM,
        /// A file that says that nothing is rotated is refused.
        ROTATES,
        /// Norms of queries and keys have no weights; the largest model has none.
        BARE_NORMS,
        /// Attention differs between layers, and layers read vectors of tokens.
        VARIED
    }

    static Row of(String architecture, String... modelTypes) {
        return new Row(architecture, List.of(modelTypes));
    }

    /// Builds a row.
    static final class Row {
        private final String architecture;
        private final List<String> modelTypes;
        private Function<GgufDescription, String> choice;
        private final List<Key> keys = new ArrayList<>();
        private final Map<String, Object> fixed = new LinkedHashMap<>();
        private Windows windows = Windows.NONE;
        private final List<Part> parts = new ArrayList<>();
        private final Map<String, String> names = new LinkedHashMap<>();
        private List<String> writes = List.of();
        private List<String> tensors = List.of();

        private Row(String architecture, List<String> modelTypes) {
            this.architecture = architecture;
            this.modelTypes = modelTypes;
            this.choice = _ -> modelTypes.getFirst();
        }

        /// @param other one of the row's `modelTypes` for a file
        Row choice(Function<GgufDescription, String> other) {
            choice = other;
            return this;
        }

        Row integer(String gguf, String json, int absent) {
            return key(gguf, json, Kind.INTEGER, absent);
        }

        Row number(String gguf, String json, double absent) {
            return key(gguf, json, Kind.NUMBER, absent);
        }

        Row factor(String gguf, String json, double absent) {
            return key(gguf, json, Kind.FACTOR, absent);
        }

        Row flag(String gguf, String json, boolean absent) {
            return key(gguf, json, Kind.FLAG, absent ? 1 : 0);
        }

        private Row key(String gguf, String json, Kind kind, double absent) {
            keys.add(new Key(gguf, json, kind, absent));
            return this;
        }

        Row fixed(String json, Object value) {
            fixed.put(json, value);
            return this;
        }

        /// @param absent tokens of an absent key; 0: no window then
        Row pattern(int interval, int absent) {
            windows = new Windows(Windows.Rule.PATTERN, interval, absent);
            return this;
        }

        Row windowsEverywhere() {
            windows = new Windows(Windows.Rule.ALL, 0, 0);
            return this;
        }

        Row parts(Part... more) {
            parts.addAll(List.of(more));
            return this;
        }

        Row calls(String usual, String own) {
            names.put(usual, own);
            return this;
        }

        /// @param others families for which llama.cpp has no architecture
        Row writes(String... others) {
            writes = List.of(others);
            return this;
        }

        /// @param names a name that begins with `-` is of a tensor that usual files have and these
        ///     don't
        Row tensors(String... names) {
            tensors = List.of(names);
            return this;
        }

        /// Granite's factors.
        Row multiplies() {
            return factor("embedding_scale", "embedding_multiplier", 1)
                    .factor("residual_scale", "residual_multiplier", 1)
                    .factor("logit_scale", "logits_scaling", 1);
        }

        /// Factor and sum of the weights of experts.
        Row weighs() {
            return flag("expert_weights_norm", "norm_topk_prob", false)
                    .factor("expert_weights_scale", "routed_scaling_factor", 1);
        }

        GgufFamily row() {
            return new GgufFamily(
                    architecture,
                    modelTypes,
                    choice,
                    List.copyOf(keys),
                    Map.copyOf(fixed),
                    windows,
                    List.copyOf(parts),
                    Map.copyOf(names),
                    writes,
                    tensors);
        }
    }
}
