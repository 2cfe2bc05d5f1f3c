package org.attune.model.layer;

import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;

import java.util.Arrays;

/// Compares what a configuration says with the tensors that a model's files hold, before memory is
/// taken for any of them: files say how large their tensors are, a configuration may say anything.
final class WeightShapes {
    private final DecoderConfig config;
    private final TensorFile file;

    private WeightShapes(DecoderConfig config, TensorFile file) {
        this.config = config;
        this.file = file;
    }

    /// @param key   configuration's name of a size
    /// @param value what it is there
    private record Size(String key, long value) {}

    /// @throws ModelException naming tensor and keys, if a tensor of the blocks or the embedding is
    ///     missing or of another shape
    static void check(DecoderConfig config, TensorFile file) {
        var shapes = new WeightShapes(config, file);
        var width = new Size("hidden_size", config.hiddenSize());
        shapes.require("model.embed_tokens", new Size("vocab_size", config.vocabSize()), width);
        for (int layer = 0; layer < config.layers(); layer++) {
            shapes.requireBlock("model.layers." + layer + ".", width);
        }
        shapes.require("model.norm", width);
    }

    private void requireBlock(String path, Size width) {
        AttentionConfig a = config.attention();
        var inner = new Size("intermediate_size", config.intermediateSize());
        var queries = new Size("num_attention_heads × head_dim", (long) a.heads() * a.headDim());
        var keys = new Size("num_key_value_heads × head_dim", (long) a.kvHeads() * a.headDim());
        require(path + "input_layernorm", width);
        require(path + "self_attn.q_proj", queries, width);
        require(path + "self_attn.k_proj", keys, width);
        require(path + "self_attn.v_proj", keys, width);
        require(path + "self_attn.o_proj", width, queries);
        require(path + "post_attention_layernorm", width);
        require(path + "mlp.gate_proj", inner, width);
        require(path + "mlp.up_proj", inner, width);
        require(path + "mlp.down_proj", width, inner);
    }

    private void require(String path, Size... sizes) {
        String name = path + ".weight";
        TensorFile.Entry entry = file.entries().get(name);
        if (entry == null) {
            throw new ModelException(
                    ("the model's files hold no tensor \"%s\"; its configuration says it should "
                                    + "(num_hidden_layers %d)")
                            .formatted(name, config.layers()));
        }
        long[] expected = Arrays.stream(sizes).mapToLong(Size::value).toArray();
        if (!Arrays.equals(entry.shape(), expected)) {
            throw new ModelException(
                    "tensor \"%s\" has shape %s, but the model's configuration asks for %s (%s)"
                            .formatted(
                                    name,
                                    Arrays.toString(entry.shape()),
                                    Arrays.toString(expected),
                                    String.join(
                                            ", ", Arrays.stream(sizes).map(Size::key).toList())));
        }
    }
}
