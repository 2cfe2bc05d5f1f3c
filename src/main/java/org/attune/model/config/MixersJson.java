package org.attune.model.config;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.files.JsonFields;
import org.attune.model.config.MixersConfig.Parts;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;

/// Reads which layers mix tokens in which way.
final class MixersJson {
    /// Names in `layer_types`: of before transformers 5, and since.
    private static final List<String> FULL = List.of("full_attention", "attention");

    private static final int MOST = DecoderConfig.MOST_FEATURES;

    private MixersJson() {}

    /// LFM2's.
    static MixersConfig lfm2(JsonFields json, int layers) {
        int width = json.size("hidden_size", MOST);
        if (json.integer("conv_dim", width) != width) {
            throw json.invalid("conv_dim", width + ", hidden_size");
        }
        List<Integer> full = json.integers("full_attn_idxs");
        return alternatives(
                json,
                layers,
                List.of("conv"),
                layer -> !json.has("full_attn_idxs") || full.contains(layer),
                new StateConfig.ShortConvolution(
                        width, json.size("conv_L_cache", MOST, 3), json.flag("conv_bias", false)));
    }

    /// Qwen3-Next's, whose projections have all of a key head side by side.
    static MixersConfig qwen3Next(JsonFields json, int layers) {
        return gatedDelta(json, layers, true);
    }

    /// Qwen3.5's.
    static MixersConfig qwen35(JsonFields json, int layers) {
        return gatedDelta(json, layers, false);
    }

    private static MixersConfig gatedDelta(JsonFields json, int layers, boolean byKeyHead) {
        requireSilu(json, "hidden_act");
        int interval = json.size("full_attention_interval", Integer.MAX_VALUE, 4);
        return alternatives(
                json,
                layers,
                List.of("linear_attention"),
                layer -> (layer + 1) % interval == 0,
                new StateConfig.GatedDelta(
                        json.size("linear_num_key_heads", MOST, 16),
                        json.size("linear_num_value_heads", MOST, 32),
                        json.size("linear_key_head_dim", MOST, 128),
                        json.size("linear_value_head_dim", MOST, 128),
                        json.size("linear_conv_kernel_dim", MOST, 4),
                        byKeyHead));
    }

    /// Kimi Linear's. Layers are counted from 1 in `linear_attn_config`.
    static MixersConfig kimi(JsonFields json, int layers) {
        requireSilu(json, "hidden_act");
        JsonFields own =
                json.object("linear_attn_config")
                        .orElseGet(() -> JsonFields.parse(json.where(), "{}"));
        boolean listed = own.has("full_attn_layers") && own.has("kda_layers");
        List<Integer> full = own.integers("full_attn_layers");
        List<Integer> linear = own.integers("kda_layers");
        for (int layer = 1; listed && layer <= layers; layer++) {
            if (full.contains(layer) == linear.contains(layer)) {
                throw own.invalid("kda_layers", "all layers but those of full_attn_layers");
            }
        }
        return alternatives(
                json,
                layers,
                List.of("linear_attention"),
                layer -> listed ? full.contains(layer + 1) : layer > 0 && layer % 4 == 0,
                new StateConfig.ChannelDelta(
                        own.size("num_heads", MOST, json.size("linear_num_heads", MOST, 32)),
                        own.size("head_dim", MOST, json.size("linear_head_dim", MOST, 128)),
                        own.size(
                                "short_conv_kernel_size",
                                MOST,
                                json.size("linear_conv_kernel_dim", MOST, 4))));
    }

    /// Mamba-2's: nothing else in any layer.
    static MixersConfig mamba2(JsonFields json, int layers) {
        requireSilu(json, "hidden_act");
        int inner = (int) (json.number("expand", 2) * json.size("hidden_size", MOST));
        boolean bias = json.flag("use_bias", false);
        var sizes = new MambaSizes("num_heads", "head_dim", "n_groups", "state_size");
        var state =
                sizes.read(
                        json,
                        inner,
                        new StateConfig.Mamba2(
                                128,
                                64,
                                8,
                                128,
                                json.size("conv_kernel", MOST, 4),
                                json.flag("use_conv_bias", true),
                                bias,
                                limits(json, 0),
                                StateConfig.Mamba2.Gate.BEFORE_NORM,
                                StateConfig.Mamba2.Factors.ONES));
        return alone(layers, state);
    }

    private static MixersConfig alone(int layers, StateConfig state) {
        List<Parts> parts = Collections.nCopies(layers, new Parts(false, true, false));
        return new MixersConfig(parts, Optional.of(state));
    }

    /// Granite 4's: Mamba-2 in all layers that `layer_types` doesn't give attention.
    static MixersConfig granite(JsonFields json, int layers) {
        requireSilu(json, "hidden_act");
        int inner = (int) (json.number("mamba_expand", 2) * json.size("hidden_size", MOST));
        var state =
                mamba(
                        json,
                        inner,
                        json.flag("mamba_proj_bias", false),
                        StateConfig.Mamba2.Gate.BEFORE_NORM,
                        StateConfig.Mamba2.Factors.ONES);
        return alternatives(json, layers, List.of("linear_attention", "mamba"), _ -> false, state);
    }

    /// Falcon-H1's: Mamba-2 and attention side by side.
    static MixersConfig falcon(JsonFields json, int layers) {
        requireSilu(json, "hidden_act");
        int expanded = (int) (json.number("mamba_expand", 2) * json.size("hidden_size", MOST));
        int inner = json.mentions("mamba_d_ssm") ? json.size("mamba_d_ssm", MOST, expanded) : 1024;
        List<Double> each = json.numbers("ssm_multipliers");
        if (!each.isEmpty() && each.size() != 5) {
            throw json.invalid("ssm_multipliers", "five: of gate, x, B, C and step");
        }
        List<Double> of = each.isEmpty() ? Collections.nCopies(5, 1.0) : each;
        boolean bias = json.flag("mamba_proj_bias", false);
        if (bias != json.flag("projectors_bias", false)) {
            throw json.invalid(
                    "projectors_bias", bias + ", mamba_proj_bias; other models aren't computed");
        }
        StateConfig.Mamba2.Gate gated =
                json.flag("mamba_norm_before_gate", true)
                        ? StateConfig.Mamba2.Gate.AFTER_NORM
                        : StateConfig.Mamba2.Gate.BEFORE_NORM;
        var state =
                mamba(
                        json,
                        inner,
                        bias,
                        json.flag("mamba_rms_norm", false)
                                ? gated
                                : StateConfig.Mamba2.Gate.WITHOUT_NORM,
                        new StateConfig.Mamba2.Factors(
                                json.number("ssm_in_multiplier", 1),
                                of.get(0),
                                of.get(1),
                                of.get(2),
                                of.get(3),
                                of.get(4),
                                json.number("ssm_out_multiplier", 1)));
        return new MixersConfig(
                Collections.nCopies(layers, new Parts(true, true, true)),
                Optional.of(state),
                json.number("attention_in_multiplier", 1)
                        * json.number("attention_out_multiplier", 1));
    }

    /// Mamba-2 where its keys begin with `mamba_`.
    private static StateConfig.Mamba2 mamba(
            JsonFields json,
            int inner,
            boolean projectionBias,
            StateConfig.Mamba2.Gate gate,
            StateConfig.Mamba2.Factors factors) {
        var sizes =
                new MambaSizes("mamba_n_heads", "mamba_d_head", "mamba_n_groups", "mamba_d_state");
        var absent =
                new StateConfig.Mamba2(
                        128,
                        Math.max(1, inner / json.size("mamba_n_heads", MOST, 128)),
                        1,
                        256,
                        json.size("mamba_d_conv", MOST, 4),
                        json.flag("mamba_conv_bias", true),
                        projectionBias,
                        limits(json, 0),
                        gate,
                        factors);
        return sizes.read(json, inner, absent);
    }

    /// Keys of Mamba-2's sizes.
    private record MambaSizes(String heads, String headDim, String groups, String stateDim) {
        /// @param inner features of all heads
        /// @param absent values of absent keys
        StateConfig.Mamba2 read(JsonFields json, int inner, StateConfig.Mamba2 absent) {
            int count = json.size(heads, MOST, absent.heads());
            boolean auto = json.has(headDim) && json.get(headDim).asText().equals("auto");
            int size = auto ? inner / count : json.size(headDim, MOST, absent.headDim());
            if (count * (long) size != inner) {
                throw json.invalid(
                        heads, "a number that times %s %d is %d".formatted(headDim, size, inner));
            }
            return new StateConfig.Mamba2(
                    count,
                    size,
                    json.size(groups, MOST, absent.groups()),
                    json.size(stateDim, MOST, absent.stateDim()),
                    absent.taps(),
                    absent.convolutionBias(),
                    absent.projectionBias(),
                    absent.step(),
                    absent.gate(),
                    absent.factors());
        }
    }

    /// `time_step_limit`, whose largest may be infinite, as transformers 5 or Python write it.
    ///
    /// @param absent the least where the key is absent
    private static StateConfig.Mamba2.Range limits(JsonFields json, double absent) {
        JsonNode value = json.get("time_step_limit");
        if (value == null) {
            return new StateConfig.Mamba2.Range(absent, Double.POSITIVE_INFINITY);
        }
        if (!value.isArray() || value.size() != 2) {
            throw json.invalid("time_step_limit", "two numbers");
        }
        return new StateConfig.Mamba2.Range(limit(json, value.get(0)), limit(json, value.get(1)));
    }

    private static double limit(JsonFields json, JsonNode value) {
        if (value.isNumber()) {
            return value.doubleValue();
        }
        if (value.path("__float__").asText().equals("Infinity")) {
            return Double.POSITIVE_INFINITY;
        }
        throw json.invalid("time_step_limit", "two numbers, of which the second may be Infinity");
    }

    private static void requireSilu(JsonFields json, String key) {
        Activation activation = ConfigJson.activation(json, key, "silu");
        if (activation != Activation.SILU) {
            throw json.invalid(key, "silu, swish: what mixes tokens has no other activation here");
        }
    }

    /// Nemotron-H's: one part in each layer.
    ///
    /// @param json with `layer_types`
    static MixersConfig nemotron(JsonFields json, int layers) {
        requireSilu(json, "mamba_hidden_act");
        boolean bias = json.flag("use_bias", false);
        if (bias != json.flag("mamba_proj_bias", bias)) {
            throw json.invalid("mamba_proj_bias", bias + ", use_bias");
        }
        int heads = json.size("mamba_num_heads", MOST, 128);
        int headDim = json.size("mamba_head_dim", MOST, 64);
        var state =
                new StateConfig.Mamba2(
                        heads,
                        headDim,
                        json.size("n_groups", MOST, 8),
                        json.size("ssm_state_size", MOST, 128),
                        json.size("conv_kernel", MOST, 4),
                        json.flag("use_conv_bias", true),
                        bias,
                        new StateConfig.Mamba2.Range( // what transformers bounds by
                                json.number("time_step_min", 0.001), Double.POSITIVE_INFINITY),
                        StateConfig.Mamba2.Gate.BEFORE_NORM,
                        StateConfig.Mamba2.Factors.ONES);
        List<Parts> parts = new ArrayList<>();
        for (String type : json.texts("layer_types")) {
            parts.add(
                    switch (type) {
                        case "linear_attention", "mamba" -> new Parts(false, true, false);
                        case "full_attention", "attention" -> new Parts(true, false, false);
                        case "mlp", "moe" -> new Parts(false, false, true);
                        default ->
                                throw json.invalid(
                                        "layer_types",
                                        "linear_attention, full_attention, mlp, moe");
                    });
        }
        return new MixersConfig(parts, Optional.of(state));
    }

    /// Layers of attention or of something else, all with a feed-forward part.
    ///
    /// @param others names of it in `layer_types`
    /// @param attends whether a layer has attention where that key is absent
    private static MixersConfig alternatives(
            JsonFields json,
            int layers,
            List<String> others,
            IntPredicate attends,
            StateConfig state) {
        List<String> types = json.texts("layer_types");
        if (!types.isEmpty() && types.size() != layers) {
            throw json.invalid("layer_types", "one entry for each of " + layers + " layers");
        }
        List<Parts> parts = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            boolean attention =
                    types.isEmpty() ? attends.test(layer) : FULL.contains(types.get(layer));
            if (!types.isEmpty() && !attention && !others.contains(types.get(layer))) {
                throw json.invalid(
                        "layer_types", String.join(", ", FULL) + ", " + String.join(", ", others));
            }
            parts.add(new Parts(attention, !attention, true));
        }
        return new MixersConfig(parts, Optional.of(state));
    }
}
