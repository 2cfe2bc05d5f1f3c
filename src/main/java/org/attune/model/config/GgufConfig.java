package org.attune.model.config;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.files.TensorFile;
import org.attune.files.gguf.GgufFile;
import org.attune.files.gguf.GgufMetadata;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;

/// Writes the metadata of a GGUF file as the `config.json` of the same model, which is then read as
/// any other. What metadata don't say, tensors do: biases, norms and tied embeddings are there if
/// their tensors are.
final class GgufConfig {
    private static final int MOST = DecoderConfig.MOST_FEATURES;

    /// Tensors that say in which type the matrices are stored, the first that is there.
    private static final List<String> MATRICES =
            List.of("attn_q", "attn_qkv", "attn_q_a", "attn_output", "ssm_in");

    private final GgufDescription file;
    private final GgufFamily row;
    private final DecoderFamily family;
    private final Map<String, Object> json = new LinkedHashMap<>();

    private GgufConfig(GgufDescription file) {
        this.file = file;
        this.row = GgufFamilies.of(file);
        String modelType = row.choice().apply(file);
        this.family = DecoderFamily.ofModelType(modelType, file.metadata().where());
        json.put("model_type", modelType);
    }

    static DecoderConfig parse(GgufFile file) {
        return ConfigJson.parse(json(file));
    }

    /// The `config.json` of the model in a file.
    ///
    /// @throws ModelException if something is missing, or if the file asks for what isn't computed
    static JsonFields json(GgufFile file) {
        return new GgufConfig(new GgufDescription(file)).json();
    }

    private JsonFields json() {
        refuseParts();
        int layers = file.layers();
        json.put("architectures", List.of(family.architecture()));
        json.put("hidden_size", file.size("embedding_length", MOST));
        json.put("num_hidden_layers", layers);
        json.put("vocab_size", rows("token_embd.weight"));
        json.put("max_position_embeddings", file.size("context_length", Integer.MAX_VALUE));
        json.put(family.norm().key(), epsilon());
        json.put("tie_word_embeddings", !file.holds("output.weight"));
        json.put("torch_dtype", dtype());
        if (row.parts().contains(GgufFamily.Part.MAMBA)) {
            file.integer("attention.head_count"); // 0: there is none
            file.perLayer("feed_forward_length", layers, 0);
        } else {
            attention(layers);
            feedForward(layers);
            if (family.names().positions().isEmpty()) {
                new GgufRope(file, family, json).put();
            }
        }
        row.keys().forEach(this::put);
        json.putAll(row.fixed());
        row.parts().forEach(part -> new GgufParts(file, family, json, layers).put(part));
        special();
        file.refuseOthers();
        return JsonFields.of(file.metadata().where(), json).renamed(row.names());
    }

    private void refuseParts() {
        String key = "split.count";
        if (file.metadata().optionalInteger(key).orElse(1) > 1) {
            throw file.metadata()
                    .invalid(key, "1: join the parts with llama-gguf-split --merge FIRST OUTPUT");
        }
    }

    private void put(GgufFamily.Key key) {
        double absent = key.absent();
        switch (key.kind()) {
            case INTEGER -> json.put(key.json(), file.integer(key.gguf()).orElse((int) absent));
            case NUMBER -> json.put(key.json(), file.number(key.gguf()).orElse(absent));
            case FACTOR -> {
                double value = file.number(key.gguf()).orElse(0);
                double used = value == 0 ? absent : value;
                json.put(key.json(), used == 0 ? null : used); // transformers takes null for none
            }
            case FLAG -> json.put(key.json(), file.flag(key.gguf(), absent != 0));
        }
    }

    private long rows(String matrix) {
        TensorFile.Entry entry =
                file.tensor(matrix)
                        .filter(e -> e.shape().length == 2)
                        .orElseThrow(
                                () ->
                                        new ModelException(
                                                "%s holds no matrix \"%s\""
                                                        .formatted(
                                                                file.metadata().where(), matrix)));
        long rows = entry.shape()[0];
        if (rows < 1 || rows > DecoderConfig.MOST_ROWS) {
            throw new ModelException(
                    "%s: tensor \"%s\" has %d rows; accepted: 1 to %d"
                            .formatted(
                                    file.metadata().where(),
                                    matrix,
                                    rows,
                                    DecoderConfig.MOST_ROWS));
        }
        return rows;
    }

    private double epsilon() {
        boolean layer =
                family.norm().kind().apply(0.5) instanceof NormConfig.Layer
                        || row.parts().contains(GgufFamily.Part.LAYER_NORM);
        String rms = "attention.layer_norm_rms_epsilon";
        String other = "attention.layer_norm_epsilon";
        OptionalDouble own = file.number(layer ? other : rms);
        if (own.isEmpty() && row.parts().contains(GgufFamily.Part.ONE_PART)) {
            own = file.number(other);
        }
        return own.orElseThrow(() -> file.missing(layer ? other : rms, "a number"));
    }

    private String dtype() {
        return MATRICES.stream()
                .flatMap(name -> file.ofSomeBlock(name + ".weight").stream())
                .findFirst()
                .map(entry -> ConfigWriter.dtypeName(entry.dtype()))
                .orElse("float32");
    }

    private void attention(int layers) {
        int heads = oneOf("attention.head_count", layers, 0);
        if (heads < 1) {
            throw file.invalid("attention.head_count", "integers from 1 to %d", MOST);
        }
        int width = file.size("embedding_length", MOST);
        int headDim =
                file.optionalSize("attention.key_length", MOST).orElse(Math.max(1, width / heads));
        json.put("num_attention_heads", heads);
        json.put(
                "num_key_value_heads",
                varies() ? heads : oneOf("attention.head_count_kv", layers, heads));
        int valueDim = file.optionalSize("attention.value_length", MOST).orElse(headDim);
        if (!family.latent()) {
            json.put("head_dim", headDim);
            if (valueDim != headDim) {
                throw file.invalid("attention.value_length", "%d, as long as the keys", headDim);
            }
            scale(headDim);
        }
        biases();
        String norms = family.qkNorm().flag().key();
        if (!norms.isEmpty()) {
            json.put(norms, file.someBlockHolds("attn_q_norm.weight"));
        }
        new GgufWindows(file, row, family, json).put(layers);
    }

    private boolean varies() {
        return row.parts().contains(GgufFamily.Part.VARIED);
    }

    /// The number that a key gives for all layers, or for all that have some.
    private int oneOf(String key, int layers, int absent) {
        Set<Integer> some = new LinkedHashSet<>(file.perLayer(key, layers, absent));
        some.remove(0);
        if (some.size() > 1) {
            throw file.invalid(key, "one number for all layers that have some");
        }
        return some.isEmpty() ? absent : some.iterator().next();
    }

    private void scale(int headDim) {
        double scale = file.number("attention.scale").orElse(0);
        double usual = family.scores().unscaled() ? 1 : 1 / Math.sqrt(headDim);
        if (family.multiplies()) {
            json.put("attention_multiplier", scale == 0 ? usual : scale);
        } else if (scale != 0 && Math.abs(scale / usual - 1) > 1e-6) {
            throw file.invalid("attention.scale", usual == 1 ? "1" : "1/√%d", headDim);
        }
        if (family.scores().scalar().isPresent()) {
            json.put("query_pre_attn_scalar", headDim);
        }
    }

    private void biases() {
        boolean queries =
                file.someBlockHolds("attn_q.bias") || file.someBlockHolds("attn_qkv.bias");
        String key =
                family.attentionKey().key().isEmpty()
                        ? "attention_bias"
                        : family.attentionKey().key();
        switch (family.attentionBias()) {
            case NONE, QKV -> {}
            case IF_CONFIGURED, QKV_IF_CONFIGURED, UNLESS_CONFIGURED -> json.put(key, queries);
            case OUTPUT_APART -> {
                json.put(key, queries);
                json.put("attention_out_bias", file.someBlockHolds("attn_output.bias"));
            }
        }
        if (!family.mlpBias().key().isEmpty()) {
            json.put(
                    family.mlpBias().key(),
                    file.someBlockHolds("ffn_up.bias") || file.someBlockHolds("ffn_gate.bias"));
        }
    }

    private void feedForward(int layers) {
        if (varies() && !new GgufVaried(file, family, json, layers).feedForward()) {
            return;
        }
        int inner = varies() ? 0 : oneOf("feed_forward_length", layers, 0);
        if (inner > 0) {
            json.put("intermediate_size", inner);
        }
        if (family.experts().isPresent()) {
            experts(family.experts().get(), layers, inner);
        }
    }

    private void experts(ExpertRule rule, int layers, int inner) {
        int count = file.integer("expert_count").orElse(0);
        int chosen = oneOf("expert_used_count", layers, 0);
        int shared = file.integer("expert_shared_feed_forward_length").orElse(0);
        String counted = rule.count().names().getFirst();
        json.put(counted, count);
        if (count == 0) {
            if (family.hasExperts().test(JsonFields.of("", json))) {
                json.remove(counted); // other keys say that there are none
            }
            return;
        }
        int width = oneOf("expert_feed_forward_length", layers, inner);
        json.put(rule.inner().names().getFirst(), width);
        json.put(rule.chosen().names().getFirst(), chosen);
        OptionalInt times = file.integer("expert_shared_count");
        switch (rule.shared()) {
            case ExpertRule.SharedRule.None _ -> {}
            case ExpertRule.SharedRule.Width(String key, int _) ->
                    json.put(key, shared > 0 ? shared : sharedRows());
            case ExpertRule.SharedRule.Times(String key, int _) -> {
                if (!key.isEmpty()) {
                    json.put(key, times.orElse(0));
                }
            }
        }
        if (rule.dense() == ExpertRule.DenseRule.LISTED) {
            List<Integer> dense = new ArrayList<>();
            for (int layer = 0; layer < layers; layer++) {
                if (!file.blockHolds(layer, "ffn_gate_inp.weight")) {
                    dense.add(layer);
                }
            }
            json.put("mlp_only_layers", dense);
            json.put("decoder_sparse_step", 1);
        }
    }

    /// Width of the shared expert where no key says it.
    private int sharedRows() {
        return file.ofSomeBlock("ffn_up_shexp.weight").map(e -> (int) e.shape()[0]).orElse(0);
    }

    private void special() {
        GgufMetadata metadata = file.metadata();
        var eos = new LinkedHashSet<Integer>();
        for (String key : List.of("eos_token_id", "eot_token_id", "eom_token_id")) {
            metadata.optionalInteger("tokenizer.ggml." + key).ifPresent(eos::add);
        }
        id("bos_token_id", metadata.optionalInteger("tokenizer.ggml.bos_token_id"));
        List<Integer> ends = List.copyOf(eos);
        json.put("eos_token_id", ends.isEmpty() ? null : ends.size() == 1 ? ends.getFirst() : ends);
        id("pad_token_id", metadata.optionalInteger("tokenizer.ggml.padding_token_id"));
    }

    private void id(String key, OptionalInt id) {
        json.put(key, id.isPresent() ? id.getAsInt() : null);
    }
}
