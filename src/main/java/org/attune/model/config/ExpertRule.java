package org.attune.model.config;

import org.attune.files.JsonFields;
import org.attune.model.config.ExpertsConfig.RouterConfig;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/// How a family's configuration speaks of experts.
///
/// @param count  of experts
/// @param chosen of them by a token
/// @param inner  width inside of one
/// @param shared width of the expert that all tokens take
/// @param dense  layers without experts
/// @param first  dense layers at the beginning where no key says how many
/// @param router chooses experts
/// @param clamps whether `swiglu_alpha` and `swiglu_limit` are obeyed, and experts have biases
/// @param loss   value of an absent `router_aux_loss_coef`; 0: the family's class computes no such
///     loss
record ExpertRule(
        Key count,
        Key chosen,
        Key inner,
        SharedRule shared,
        DenseRule dense,
        int first,
        RouterRule router,
        boolean clamps,
        double loss) {
    static final Key CHOSEN = new Key(2, "num_experts_per_tok");
    private static final Key GROUPS = new Key(1, "n_group");

    /// A size.
    ///
    /// @param absent value where no key is there; 0: one must be
    /// @param names of keys, the first that is there counts
    record Key(int absent, List<String> names) {
        Key(int absent, String... names) {
            this(absent, List.of(names));
        }

        int read(JsonFields json, int most) {
            String name =
                    names.stream().filter(json::mentions).findFirst().orElse(names.getFirst());
            List<Integer> layers = isList(json, name) ? json.integers(name) : List.of();
            if (layers.stream().distinct().count() > 1) {
                throw json.invalid(name, "one number, or the same for each layer");
            }
            if (!layers.isEmpty() && layers.getFirst() > 0) {
                return layers.getFirst();
            }
            return absent > 0 ? json.size(name, most, absent) : json.size(name, most);
        }

        private static boolean isList(JsonFields json, String name) {
            return json.has(name) && json.get(name).isArray();
        }

        Key or(int otherAbsent) {
            return new Key(otherAbsent, names);
        }
    }

    /// The expert that all tokens take.
    sealed interface SharedRule {
        /// There is none.
        record None() implements SharedRule {}

        /// A key says its width.
        ///
        /// @param absent value of the absent key; 0 is none
        record Width(String key, int absent) implements SharedRule {}

        /// A key says how many times the width of the others it has.
        ///
        /// @param absent value of the absent key; 0 is none
        record Times(String key, int absent) implements SharedRule {}
    }

    /// Which layers have no experts.
    enum DenseRule {
        /// All layers have experts.
        NONE,
        /// All layers have experts, and a dense part beside them.
        BESIDE,
        /// Those of `mlp_only_layers`, and all but each `decoder_sparse_step`-th.
        LISTED("mlp_only_layers", "decoder_sparse_step"),
        /// The first `first_k_dense_replace`.
        FIRST("first_k_dense_replace"),
        /// Those that `mlp_layer_types` calls dense, or the first `first_k_dense_replace`.
        TYPED("mlp_layer_types", "first_k_dense_replace"),
        /// All but each `moe_layer_interval`-th from `moe_layer_start_index` to
        /// `moe_layer_end_index`.
        RANGE("moe_layer_start_index", "moe_layer_end_index", "moe_layer_interval"),
        /// All but those of `moe_layers`, or all but each `interleave_moe_layer_step`-th.
        INTERLEAVED("moe_layers", "interleave_moe_layer_step");

        private final List<String> keys;

        DenseRule(String... keys) {
            this.keys = List.of(keys);
        }

        private Set<Integer> read(JsonFields json, int layers, int first) {
            Set<Integer> dense = new TreeSet<>();
            for (int layer = 0; layer < layers; layer++) {
                if (isDense(json, layer, layers, first)) {
                    dense.add(layer);
                }
            }
            return dense;
        }

        private boolean isDense(JsonFields json, int layer, int layers, int first) {
            int most = Integer.MAX_VALUE;
            return switch (this) {
                case NONE, BESIDE -> false;
                case LISTED ->
                        json.integers("mlp_only_layers").contains(layer)
                                || (layer + 1) % json.size("decoder_sparse_step", most, 1) != 0;
                case FIRST -> layer < json.integer("first_k_dense_replace", first);
                case TYPED -> {
                    List<String> types = json.texts("mlp_layer_types");
                    if (!types.isEmpty() && types.size() != layers) {
                        throw json.invalid(
                                "mlp_layer_types", "one for each of %d layers".formatted(layers));
                    }
                    yield types.isEmpty()
                            ? layer < json.integer("first_k_dense_replace", first)
                            : types.get(layer).equals("dense");
                }
                case RANGE -> {
                    int last = json.integer("moe_layer_end_index", -1);
                    yield layer < json.integer("moe_layer_start_index", first)
                            || last >= 0 && layer > last
                            || (layer + 1) % json.size("moe_layer_interval", most, 1) != 0;
                }
                case INTERLEAVED ->
                        json.has("moe_layers")
                                ? !json.integers("moe_layers").contains(layer)
                                : (layer + 1) % json.size("interleave_moe_layer_step", most, 1)
                                        != 0;
            };
        }
    }

    /// The router.
    ///
    /// @param kind         as if all keys were absent
    /// @param renormalises what an absent `norm_topk_prob` means; empty: the key isn't obeyed
    /// @param groups       value of an absent `n_group`, half of which is that of an absent
    ///     `topk_group`; empty: neither they nor `routed_scaling_factor` are obeyed
    record RouterRule(RouterConfig kind, Optional<Boolean> renormalises, OptionalInt groups) {
        /// A softmax whose weights `norm_topk_prob` renormalises.
        static final RouterRule SOFTMAX =
                new RouterRule(
                        RouterConfig.softmax(false), Optional.of(false), OptionalInt.empty());

        /// A softmax whose weights always add up to 1.
        static final RouterRule SHARES =
                new RouterRule(RouterConfig.softmax(true), Optional.empty(), OptionalInt.empty());

        /// DeepSeek-V3's ([2024, Eq. 12–16](https://arxiv.org/abs/2412.19437)).
        ///
        /// @param absent value of an absent `norm_topk_prob`
        /// @param groups value of an absent `n_group`
        /// @param scale value of an absent `routed_scaling_factor`
        static RouterRule deepSeek(boolean absent, int groups, double scale) {
            return new RouterRule(
                    new RouterConfig(
                            new RouterConfig.Scores.Sigmoid(),
                            false,
                            true,
                            1,
                            1,
                            new RouterConfig.Weights(true, 1e-20, 0, scale),
                            false),
                    Optional.of(absent),
                    OptionalInt.of(groups));
        }

        private RouterConfig read(JsonFields json) {
            RouterConfig.Weights w = kind.weights();
            boolean grouped = groups.isPresent();
            int most = DecoderConfig.MOST_FEATURES;
            return new RouterConfig(
                    kind.scores() instanceof RouterConfig.Scores.SparseMixer(double jitter)
                            ? new RouterConfig.Scores.SparseMixer(
                                    json.number("router_jitter_noise", jitter))
                            : kind.scores(),
                    kind.biased(),
                    kind.corrected(),
                    grouped ? GROUPS.or(groups.getAsInt()).read(json, most) : 1,
                    grouped ? json.size("topk_group", most, (groups.getAsInt() + 1) / 2) : 1,
                    new RouterConfig.Weights(
                            renormalises
                                    .map(absent -> json.flag("norm_topk_prob", absent))
                                    .orElse(w.renormalised()),
                            w.added(),
                            json.number("moe_norm_min", w.floor()),
                            grouped ? json.number("routed_scaling_factor", w.scale()) : w.scale()),
                    kind.scalesInput(),
                    kind.scaled());
        }
    }

    /// Keys that are obeyed.
    List<String> keys() {
        List<String> keys = new ArrayList<>();
        for (Key key : List.of(count, chosen, inner)) {
            keys.addAll(key.names());
        }
        keys.addAll(dense.keys);
        return keys;
    }

    ExpertsConfig read(JsonFields json, int layers) {
        int most = DecoderConfig.MOST_FEATURES;
        int width = inner.read(json, DecoderConfig.MOST_ROWS);
        requireKnownScores(json);
        return new ExpertsConfig(
                count.read(json, most),
                chosen.read(json, most),
                width,
                router.read(json),
                clamps,
                clamps
                        ? Optional.of(
                                new ExpertsConfig.Clamp(
                                        json.number("swiglu_alpha", 1.702),
                                        json.number("swiglu_limit", 7)))
                        : Optional.empty(),
                shared(json, width),
                dense.read(json, layers, first),
                loss > 0
                        ? new ExpertsConfig.RouterLoss(
                                true,
                                json.number("router_aux_loss_coef", loss),
                                json.flag("output_router_logits", false))
                        : ExpertsConfig.RouterLoss.NONE,
                dense == DenseRule.BESIDE);
    }

    private int shared(JsonFields json, int width) {
        return switch (shared) {
            case SharedRule.None _ -> 0;
            case SharedRule.Width(String key, int absent) ->
                    width(json, key, json.integer(key, absent));
            case SharedRule.Times(String key, int absent) ->
                    width(json, key, (long) json.integer(key, absent) * width);
        };
    }

    private static int width(JsonFields json, String key, long width) {
        if (width < 0 || width > DecoderConfig.MOST_ROWS) {
            throw json.invalid(key, "no width, or one up to " + DecoderConfig.MOST_ROWS);
        }
        return (int) width;
    }

    /// Passing over it would route otherwise than the model's own code.
    private void requireKnownScores(JsonFields json) {
        boolean sigmoid = router.kind().scores() instanceof RouterConfig.Scores.Sigmoid;
        String asked = json.text("scoring_func", "sigmoid");
        if (sigmoid && !asked.equals("sigmoid") && !asked.equals("noaux_tc")) {
            throw json.invalid("scoring_func", "sigmoid");
        }
    }
}
