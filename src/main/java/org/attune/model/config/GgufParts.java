package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Parts of a GGUF file's description that take more than keys of the same meaning.
///
/// @param file   description of the model
/// @param family of its model
/// @param json   its `config.json`, as far as it is known
/// @param layers blocks that are computed
record GgufParts(GgufDescription file, DecoderFamily family, Map<String, Object> json, int layers) {
    private static final int MOST = DecoderConfig.MOST_FEATURES;
    private static final int SIGMOID = 2;
    private static final int LARGEST = 128; // experts, by which llama.cpp knows Llama 4 Maverick
    private static final String KEY_HEADS = "attention.head_count_kv";
    private static final String LINEAR = "linear_attention";
    private static final String PREFIX = "mamba_";
    private static final String ROTATES = "rope.scaling.finetuned"; // llama.cpp's use of the key

    void put(GgufFamily.Part part) {
        switch (part) {
            case LATENT -> latent();
            case SHORT_CONVOLUTION -> {
                json.put("conv_L_cache", file.size("shortconv.l_cache", MOST));
                json.put("conv_bias", file.someBlockHolds("shortconv.conv.bias"));
                json.put("layer_types", types("conv"));
            }
            case GATED_DELTA -> gatedDelta();
            case CHANNEL_DELTA -> channelDelta();
            case MAMBA -> {
                mamba("num_heads", "head_dim", "n_groups", "state_size", "conv_kernel");
                json.put("expand", expansion());
                json.put("use_bias", file.someBlockHolds("ssm_in.bias"));
                json.put("use_conv_bias", file.someBlockHolds("ssm_conv1d.bias"));
            }
            case MAMBA_OR_ATTENTION -> {
                prefixed();
                json.put(PREFIX + "expand", expansion());
                json.put("layer_types", types("mamba"));
                boolean rotates = file.flag(ROTATES, true);
                json.put("position_embedding_type", rotates ? "rope" : "nope");
                if ((int) json.get("num_local_experts") == 0) {
                    json.put("shared_intermediate_size", rows("ffn_up.weight"));
                }
            }
            case MAMBA_BESIDE -> beside();
            case ONE_PART -> oneOfThree();
            case GROWTH -> growth();
            case LARGEST_SCALE -> largestScale();
            case SIGMOID -> {
                String key = "expert_gating_func";
                int function = file.integer(key).orElse(absentFunction());
                if (function != SIGMOID && !file.has(key)) {
                    throw file.missing(
                            key, SIGMOID + ", a sigmoid: llama.cpp's absent one is a softmax");
                }
                if (function != SIGMOID) {
                    throw file.invalid(
                            key,
                            "%d, a sigmoid; %s models are computed in no other way here",
                            SIGMOID,
                            file.architecture());
                }
            }
            case ONE_NORM -> oneNorm();
            case LAYER_NORM -> {} // see the epsilon
            case VARIED -> new GgufVaried(file, family, json, layers).put();
            case BARE_NORMS -> json.put("use_qk_norm", file.size("expert_count", MOST) != LARGEST);
            case ROTATES -> {
                if (!file.flag(ROTATES, true)) {
                    throw file.invalid(
                            ROTATES,
                            "true; %s models without rotation aren't computed here",
                            file.architecture());
                }
            }
        }
    }

    private void channelDelta() {
        json.put("linear_num_heads", json.get("num_attention_heads"));
        json.put("linear_head_dim", file.size("kda.head_dim", MOST));
        json.put("linear_conv_kernel_dim", file.size("ssm.conv_kernel", MOST));
        json.put("layer_types", types(LINEAR));
    }

    private void oneNorm() {
        String key = "use_parallel_residual";
        boolean parallel = !file.someBlockHolds("ffn_norm.weight");
        if (file.flag(key, parallel) != parallel) {
            throw file.invalid(
                    key, "%s: blocks have %s", parallel, parallel ? "one norm" : "two norms");
        }
        json.put(key, parallel);
    }

    /// Rows of a matrix of the blocks.
    private long rows(String name) {
        return file.ofSomeBlock(name)
                .map(e -> e.shape()[0])
                .orElseThrow(
                        () ->
                                new ModelException(
                                        "%s holds no tensor \"blk.0.%s\""
                                                .formatted(file.metadata().where(), name)));
    }

    /// llama.cpp's choice where the key is absent.
    private int absentFunction() {
        return switch (family.modelType()) {
            case "glm4_moe", "glm4_moe_lite" -> SIGMOID;
            default -> 1;
        };
    }

    private List<String> types(String other) {
        return file.perLayer(KEY_HEADS, layers, 0).stream()
                .map(
                        heads ->
                                heads == 0
                                        ? other
                                        : other.equals("mamba") ? "attention" : ConfigJson.FULL)
                .toList();
    }

    private void latent() {
        int rotated = file.size("rope.dimension_count", MOST);
        boolean own = file.has("attention.key_length_mla");
        int keys = file.size(own ? "attention.key_length_mla" : "attention.key_length", MOST);
        int values =
                file.optionalSize("attention.value_length_mla", MOST)
                        .orElseGet(() -> own ? keys : plainValues(keys - rotated));
        if (keys <= rotated) {
            throw file.invalid("rope.dimension_count", "fewer than the %d of a key", keys);
        }
        json.put("kv_lora_rank", file.size("attention.kv_lora_rank", MOST));
        int rank = file.optionalSize("attention.q_lora_rank", MOST).orElse(0);
        json.put("q_lora_rank", rank == 0 ? null : rank);
        json.put("qk_nope_head_dim", keys - rotated);
        json.put("qk_rope_head_dim", rotated);
        json.put("v_head_dim", values);
        json.put("num_key_value_heads", json.get("num_attention_heads"));
    }

    /// Features of a value of files that have keys and values in one matrix.
    private int plainValues(int still) {
        int heads = (int) json.get("num_attention_heads");
        return file.ofSomeBlock("attn_kv_b.weight")
                .map(e -> (int) Math.min(MOST, e.shape()[0] / heads - still))
                .orElseGet(() -> file.size("attention.value_length", MOST));
    }

    private void gatedDelta() {
        int heads = file.size("ssm.time_step_rank", MOST);
        json.put("linear_num_key_heads", file.size("ssm.group_count", MOST));
        json.put("linear_num_value_heads", heads);
        json.put("linear_key_head_dim", file.size("ssm.state_size", MOST));
        json.put("linear_value_head_dim", share("ssm.inner_size", heads));
        json.put("linear_conv_kernel_dim", file.size("ssm.conv_kernel", MOST));
        file.has("rope.dimension_sections"); // of a text's tokens all positions are alike
        String key = "attention.recurrent_layers";
        int interval = file.optionalSize("full_attention_interval", MOST).orElse(4);
        List<Integer> listed = file.perLayer(key, layers, 0);
        List<String> types = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            boolean linear = file.has(key) ? listed.get(layer) != 0 : (layer + 1) % interval != 0;
            types.add(linear ? LINEAR : ConfigJson.FULL);
        }
        json.put("layer_types", types);
    }

    private int share(String key, int heads) {
        int all = file.size(key, MOST);
        if (all % heads != 0) {
            throw file.invalid(key, "a multiple of ssm.time_step_rank, %d", heads);
        }
        return all / heads;
    }

    private void mamba(String heads, String headDim, String groups, String state, String taps) {
        int count = file.size("ssm.time_step_rank", MOST);
        json.put(heads, count);
        json.put(headDim, share("ssm.inner_size", count));
        json.put(groups, file.size("ssm.group_count", MOST));
        json.put(state, file.size("ssm.state_size", MOST));
        json.put(taps, file.size("ssm.conv_kernel", MOST));
    }

    /// How many times as wide as the residual stream: a whole number, as transformers wants it.
    private int expansion() {
        int width = (int) json.get("hidden_size");
        int inner = file.size("ssm.inner_size", MOST);
        if (inner % width != 0) {
            throw file.invalid("ssm.inner_size", "a multiple of embedding_length, %d", width);
        }
        return inner / width;
    }

    private void prefixed() {
        mamba(
                PREFIX + "n_heads",
                PREFIX + "d_head",
                PREFIX + "n_groups",
                PREFIX + "d_state",
                PREFIX + "d_conv");
        json.put(PREFIX + "proj_bias", file.someBlockHolds("ssm_in.bias"));
        json.put(PREFIX + "conv_bias", file.someBlockHolds("ssm_conv1d.bias"));
    }

    /// The converter multiplies Falcon-H1's factors into the weights. That is wrong for an output
    /// layer that is the embedding, which have one each.
    private void beside() {
        prefixed();
        json.put(PREFIX + "d_ssm", file.size("ssm.inner_size", MOST));
        json.put("projectors_bias", file.someBlockHolds("ssm_in.bias"));
        json.put(PREFIX + "rms_norm", file.someBlockHolds("ssm_norm.weight"));
        json.put(PREFIX + "norm_before_gate", false); // llama.cpp knows no other order
        for (String part :
                List.of(
                        "embedding",
                        "lm_head",
                        "attention_in",
                        "attention_out",
                        "ssm_in",
                        "ssm_out",
                        "key")) {
            json.put(part + "_multiplier", 1.0);
        }
        json.put("mlp_multipliers", List.of(1.0, 1.0));
        json.put("ssm_multipliers", List.of(1.0, 1.0, 1.0, 1.0, 1.0));
        if ((boolean) json.get("tie_word_embeddings")) {
            throw new ModelException(
                    ("%s has no output.weight; in falcon-h1 files the embedding's factor is"
                                    + " multiplied into the output layer then; use the Hugging Face"
                                    + " folder")
                            .formatted(file.metadata().where()));
        }
    }

    private void oneOfThree() {
        mamba("mamba_num_heads", "mamba_head_dim", "n_groups", "ssm_state_size", "conv_kernel");
        List<Integer> heads = file.perLayer(KEY_HEADS, layers, 0);
        List<Integer> inner = file.perLayer("feed_forward_length", layers, 0);
        List<String> types = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            boolean experts = file.blockHolds(layer, "ffn_gate_inp.weight");
            boolean state = file.blockHolds(layer, "ssm_in.weight");
            types.add(
                    state
                            ? LINEAR
                            : heads.get(layer) > 0 ? ConfigJson.FULL : experts ? "moe" : "mlp");
            if (state != (heads.get(layer) == 0 && inner.get(layer) == 0 && !experts)) {
                throw file.invalid(
                        KEY_HEADS,
                        "0 for blocks with Mamba-2 or a feed-forward part, here %d",
                        layer);
            }
        }
        json.put("layers_block_type", types);
        json.put("use_bias", file.someBlockHolds("ssm_in.bias"));
        json.put("mamba_proj_bias", file.someBlockHolds("ssm_in.bias"));
        json.put("use_conv_bias", file.someBlockHolds("ssm_conv1d.bias"));
    }

    private void growth() {
        if (!file.has("attention.temperature_scale")) {
            return;
        }
        Map<String, Object> rope = new LinkedHashMap<>();
        if (json.get("rope_scaling") instanceof Map<?, ?> scaling) {
            scaling.forEach((key, value) -> rope.put((String) key, value));
        }
        rope.put("rope_theta", json.get("rope_theta"));
        rope.putIfAbsent("rope_type", "default");
        rope.put("llama_4_scaling_beta", file.number("attention.temperature_scale").orElseThrow());
        rope.putIfAbsent(
                "original_max_position_embeddings",
                file.optionalSize("rope.scaling.original_context_length", Integer.MAX_VALUE)
                        .orElse((int) json.get("max_position_embeddings")));
        json.remove("rope_scaling");
        json.put("rope_parameters", rope);
    }

    /// llama.cpp knows the 27B models of Gemma 2 and 3 by their number of layers.
    private void largestScale() {
        int largest = family.modelType().equals("gemma2") ? 46 : 62;
        if (layers == largest) {
            int heads = (int) json.get("num_attention_heads");
            json.put("query_pre_attn_scalar", (int) json.get("hidden_size") / heads);
        }
    }
}
