package org.attune.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.ModelException;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.json.Json;
import org.attune.tensor.DType;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Writes a model folder of any shape with random weights. Its tokenizer has the words `w3`, `w4`,
/// …, a token each, so a benchmark runs as with a real model.
///
/// @param shape of the model
record SyntheticModel(ModelShape shape) {
    static final int PAD = 0;
    static final int END = 1;
    private static final int UNKNOWN = 2;
    static final int FIRST_WORD = 3;
    private static final List<String> CONTROL = List.of("<pad>", "<end>", "<unknown>");

    /// Uniform numbers up to this have the deviation 0.02 with which models begin.
    private static final double LARGEST = 0.02 * Math.sqrt(3);

    private static final short ONE = (short) (Float.floatToRawIntBits(1) >>> 16);

    /// @param folder empty
    void write(Path folder) {
        try {
            Json.MAPPER.writeValue(folder.resolve("config.json").toFile(), config());
            Json.MAPPER.writeValue(folder.resolve("tokenizer.json").toFile(), tokenizer());
            Json.MAPPER.writeValue(
                    folder.resolve("tokenizer_config.json").toFile(),
                    Json.object()
                            .put("tokenizer_class", "PreTrainedTokenizerFast")
                            .put("pad_token", CONTROL.get(PAD))
                            .put("eos_token", CONTROL.get(END)));
            Files.createDirectories(folder);
            SafeTensorsWriter.write(folder.resolve("model.safetensors"), weights());
        } catch (IOException e) {
            throw new ModelException(
                    "the random model can't be written to %s: %s; free space, or set TMPDIR"
                            .formatted(folder, e),
                    e);
        }
    }

    private ObjectNode config() {
        ObjectNode config = Json.object();
        config.putArray("architectures").add("LlamaForCausalLM");
        return config.put("model_type", "llama")
                .put("vocab_size", shape.vocabulary())
                .put("hidden_size", shape.width())
                .put("intermediate_size", shape.inner())
                .put("num_hidden_layers", shape.depth())
                .put("num_attention_heads", shape.heads())
                .put("num_key_value_heads", shape.kvHeads())
                .put("head_dim", shape.headDim())
                .put("hidden_act", "silu")
                .put("max_position_embeddings", shape.config().maxPositionEmbeddings())
                .put("rms_norm_eps", shape.config().normEps())
                .put("rope_theta", 10000.0)
                .put("tie_word_embeddings", shape.tied())
                .put("pad_token_id", PAD)
                .put("eos_token_id", END)
                .put("torch_dtype", "bfloat16");
    }

    private ObjectNode tokenizer() {
        ObjectNode tokenizer = Json.object();
        tokenizer.put("version", "1.0").putNull("truncation").putNull("padding");
        var added = tokenizer.putArray("added_tokens");
        for (int id = 0; id < CONTROL.size(); id++) {
            added.addObject()
                    .put("id", id)
                    .put("content", CONTROL.get(id))
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", true);
        }
        tokenizer.putNull("normalizer");
        tokenizer.putObject("pre_tokenizer").put("type", "WhitespaceSplit");
        tokenizer.putNull("post_processor").putNull("decoder");
        ObjectNode model = tokenizer.putObject("model").put("type", "WordLevel");
        ObjectNode vocabulary = model.putObject("vocab");
        for (int id = 0; id < shape.vocabulary(); id++) {
            vocabulary.put(id < FIRST_WORD ? CONTROL.get(id) : "w" + id, id);
        }
        model.put("unk_token", CONTROL.get(UNKNOWN));
        return tokenizer;
    }

    private List<Source> weights() {
        var random = RandomSource.XO_SHI_RO_256_PP.create(1L);
        int width = shape.width();
        int queries = shape.heads() * shape.headDim();
        int keys = shape.kvHeads() * shape.headDim();
        List<Source> weights = new ArrayList<>();
        weights.add(matrix("model.embed_tokens", random, shape.vocabulary(), width));
        for (int block = 0; block < shape.depth(); block++) {
            String name = "model.layers." + block + ".";
            weights.add(matrix(name + "self_attn.q_proj", random, queries, width));
            weights.add(matrix(name + "self_attn.k_proj", random, keys, width));
            weights.add(matrix(name + "self_attn.v_proj", random, keys, width));
            weights.add(matrix(name + "self_attn.o_proj", random, width, queries));
            weights.add(matrix(name + "mlp.gate_proj", random, shape.inner(), width));
            weights.add(matrix(name + "mlp.up_proj", random, shape.inner(), width));
            weights.add(matrix(name + "mlp.down_proj", random, width, shape.inner()));
            weights.add(ones(name + "input_layernorm"));
            weights.add(ones(name + "post_attention_layernorm"));
        }
        weights.add(ones("model.norm"));
        if (!shape.tied()) {
            weights.add(matrix("lm_head", random, shape.vocabulary(), width));
        }
        return weights;
    }

    private static Source matrix(String name, UniformRandomProvider random, long out, long in) {
        return new Source(
                name + ".weight",
                DType.BFLOAT16,
                new long[] {out, in},
                arena -> {
                    MemorySegment data = arena.allocate(ValueLayout.JAVA_SHORT, out * in);
                    for (long i = 0; i < out * in; i++) {
                        float value = (float) ((2 * random.nextDouble() - 1) * LARGEST);
                        short bits = (short) (Float.floatToRawIntBits(value) >>> 16);
                        data.setAtIndex(ValueLayout.JAVA_SHORT, i, bits);
                    }
                    return data;
                });
    }

    private Source ones(String name) {
        return new Source(
                name + ".weight",
                DType.BFLOAT16,
                new long[] {shape.width()},
                arena -> {
                    MemorySegment data = arena.allocate(ValueLayout.JAVA_SHORT, shape.width());
                    for (int i = 0; i < shape.width(); i++) {
                        data.setAtIndex(ValueLayout.JAVA_SHORT, i, ONE);
                    }
                    return data;
                });
    }
}
