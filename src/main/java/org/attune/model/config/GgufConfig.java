package org.attune.model.config;

import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.files.gguf.GgufFile;
import org.attune.files.gguf.GgufMetadata;

import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// Reads the metadata of a GGUF file into a [DecoderConfig]. What metadata don't say, tensors do:
/// biases, per-head norms and tied embeddings are there if their tensors are.
final class GgufConfig {
    private static final String FIRST_BLOCK = "model.layers.0.";

    private final GgufFile file;
    private final GgufMetadata metadata;
    private final DecoderFamily family;
    private final String prefix;

    private GgufConfig(GgufFile file) {
        this.file = file;
        this.metadata = file.metadata();
        this.prefix = metadata.text("general.architecture") + ".";
        this.family =
                DecoderFamily.ofGgufArchitecture(
                        metadata.text("general.architecture"), metadata.where());
    }

    static DecoderConfig parse(GgufFile file) {
        return new GgufConfig(file).parse();
    }

    private DecoderConfig parse() {
        UncomputedKeys.refuse(metadata, prefix);
        int layers = size("block_count", DecoderConfig.MOST_LAYERS);
        try {
            return new DecoderConfig(
                    family.modelType(),
                    size("embedding_length", DecoderConfig.MOST_FEATURES),
                    size("feed_forward_length", DecoderConfig.MOST_ROWS),
                    vocabSize(),
                    layers,
                    attention(layers),
                    has("mlp.gate_proj.bias"),
                    Activation.SILU,
                    number("attention.layer_norm_rms_epsilon")
                            .orElseThrow(() -> missing("attention.layer_norm_rms_epsilon")),
                    !file.entries().containsKey("lm_head.weight"),
                    rope(),
                    contextLength(),
                    weight(FIRST_BLOCK + "self_attn.q_proj.weight").dtype(),
                    special());
        } catch (IllegalArgumentException | ModelException e) {
            throw e.getMessage().startsWith(metadata.where())
                    ? e
                    : new ModelException(metadata.where() + ": " + e.getMessage(), e);
        }
    }

    private int vocabSize() {
        long[] shape = weight("model.embed_tokens.weight").shape();
        if (shape[0] < 1 || shape[0] > DecoderConfig.MOST_ROWS) {
            throw new ModelException(
                    "tensor \"token_embd.weight\" has %d rows; accepted: 1 to %d"
                            .formatted(shape[0], DecoderConfig.MOST_ROWS));
        }
        return (int) shape[0];
    }

    private int contextLength() {
        return size("context_length", Integer.MAX_VALUE);
    }

    private AttentionConfig attention(int layers) {
        int heads = heads();
        refuseOtherAttention(headDim(heads));
        return new AttentionConfig(
                heads,
                optional("attention.head_count_kv", DecoderConfig.MOST_FEATURES).orElse(heads),
                headDim(heads),
                has("self_attn.q_proj.bias"),
                has("self_attn.o_proj.bias"),
                has("self_attn.q_norm.weight"),
                // llama.cpp gives these architectures no windows.
                Collections.nCopies(layers, 0));
    }

    private void refuseOtherAttention(int headDim) {
        if (optional("attention.value_length", DecoderConfig.MOST_FEATURES).orElse(headDim)
                != headDim) {
            throw metadata.invalid(
                    prefix + "attention.value_length", headDim + ", as long as the keys");
        }
        double scale = number("attention.scale").orElse(0);
        if (scale != 0 && Math.abs(scale * Math.sqrt(headDim) - 1) > 1e-6) {
            throw metadata.invalid(prefix + "attention.scale", "1/√" + headDim);
        }
        int all = contextLength();
        int window = metadata.optionalInteger(prefix + "attention.sliding_window").orElse(0);
        if (window != 0 && window < all) {
            throw metadata.invalid(
                    prefix + "attention.sliding_window",
                    "0: llama.cpp gives these models no window, though transformers may; use the"
                            + " Hugging Face folder");
        }
    }

    private int headDim(int heads) {
        int most = DecoderConfig.MOST_FEATURES;
        return optional("attention.key_length", most)
                .orElseGet(() -> Math.max(1, size("embedding_length", most) / heads));
    }

    private int heads() {
        return size("attention.head_count", DecoderConfig.MOST_FEATURES);
    }

    private RopeConfig rope() {
        double theta = number("rope.freq_base").orElse(10000);
        int headDim = headDim(heads());
        if (optional("rope.dimension_count", DecoderConfig.MOST_FEATURES).orElse(headDim)
                != headDim) {
            throw metadata.invalid(
                    prefix + "rope.dimension_count", headDim + ": heads are rotated whole");
        }
        return new RopeConfig(theta, 1, ropeScaling());
    }

    private RopeScaling ropeScaling() {
        RopeScaling named = namedScaling();
        return file.ropeDivisors()
                .map(
                        divisors -> {
                            if (!(named instanceof RopeScaling.None)) {
                                throw metadata.invalid(
                                        prefix + "rope.scaling.type",
                                        "none, beside a rope_freqs.weight");
                            }
                            return (RopeScaling) new RopeScaling.Divisors(divisors, 1);
                        })
                .orElse(named);
    }

    private RopeScaling namedScaling() {
        String typeKey = prefix + "rope.scaling.type";
        OptionalDouble oldFactor = number("rope.scale_linear");
        double factor = number("rope.scaling.factor").orElse(oldFactor.orElse(1));
        String fallback = factor != 1 ? "linear" : "none";
        return switch (metadata.optionalText(typeKey).orElse(fallback)) {
            case "none" -> new RopeScaling.None();
            case "linear" -> new RopeScaling.Linear(factor);
            case "yarn" ->
                    new RopeScaling.Yarn(
                            factor,
                            number("rope.scaling.attn_factor").orElse(1)
                                    * RopeJson.yarnScale(factor, 1),
                            number("rope.scaling.yarn_beta_fast").orElse(32),
                            number("rope.scaling.yarn_beta_slow").orElse(1),
                            optional("rope.scaling.original_context_length", Integer.MAX_VALUE)
                                    .orElseGet(this::contextLength),
                            true);
            default -> throw metadata.invalid(typeKey, "none, linear, yarn");
        };
    }

    private SpecialIds special() {

        var eos = new LinkedHashSet<Integer>();
        for (String key : List.of("eos_token_id", "eot_token_id", "eom_token_id")) {
            OptionalInt id = metadata.optionalInteger("tokenizer.ggml." + key);
            id.ifPresent(eos::add);
        }
        return new SpecialIds(
                metadata.optionalInteger("tokenizer.ggml.bos_token_id"),
                List.copyOf(eos),
                metadata.optionalInteger("tokenizer.ggml.padding_token_id"));
    }

    private TensorFile.Entry weight(String name) {
        TensorFile.Entry entry = file.entries().get(name);
        if (entry == null || entry.shape().length != 2) {
            throw new ModelException("%s holds no matrix \"%s\"".formatted(metadata.where(), name));
        }
        return entry;
    }

    private boolean has(String inFirstBlock) {
        return file.entries().containsKey(FIRST_BLOCK + inFirstBlock);
    }

    private int size(String key, int most) {
        return metadata.size(prefix + key, most);
    }

    private OptionalInt optional(String key, int most) {
        return metadata.optionalSize(prefix + key, most);
    }

    private OptionalDouble number(String key) {
        return metadata.optionalNumber(prefix + key);
    }

    private ModelException missing(String key) {
        return new ModelException("%s: %s%s is missing".formatted(metadata.where(), prefix, key));
    }
}
