package org.attune.model.layer;

import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The modules of a model by Hugging Face's paths, as its configuration alone tells them: what an
/// adapter may name is known before any weight is read.
///
/// @param linears paths of the linear modules that may be adapted, with their shapes `(out, in)`
/// @param output path of the output layer or score head
/// @param whole paths of the embedding, the output layer and norms, which may be trained whole
public record ModulePaths(Map<String, Shape> linears, String output, List<String> whole) {
    private static final String EMBEDDING = "model.embed_tokens";

    /// @param out rows
    /// @param in columns
    public record Shape(long out, long in) {}

    public static ModulePaths of(DecoderConfig config) {
        Map<String, Shape> linears = new LinkedHashMap<>();
        List<String> whole = new ArrayList<>(List.of(EMBEDDING));
        for (int layer = 0; layer < config.layers(); layer++) {
            block(config, "model.layers." + layer + ".", linears, whole);
        }
        whole.add("model.norm");
        String output = config.scores() ? OutputLayer.SCORE_PATH : OutputLayer.PATH;
        whole.add(output);
        if (!config.scores()) {
            linears.put(output, new Shape(config.vocabSize(), config.hiddenSize()));
        }
        return new ModulePaths(linears, output, whole);
    }

    private static void block(
            DecoderConfig config, String path, Map<String, Shape> linears, List<String> whole) {
        AttentionConfig a = config.attention();
        long width = config.hiddenSize();
        long inner = config.intermediateSize();
        long queries = (long) a.heads() * a.headDim();
        long keys = (long) a.kvHeads() * a.headDim();
        String attention = path + "self_attn.";
        String mlp = path + "mlp.";
        whole.add(path + "input_layernorm");
        linears.put(attention + "q_proj", new Shape(queries, width));
        linears.put(attention + "k_proj", new Shape(keys, width));
        linears.put(attention + "v_proj", new Shape(keys, width));
        if (a.qkNorm()) {
            whole.add(attention + "q_norm");
            whole.add(attention + "k_norm");
        }
        linears.put(attention + "o_proj", new Shape(width, queries));
        whole.add(path + "post_attention_layernorm");
        linears.put(mlp + "gate_proj", new Shape(inner, width));
        linears.put(mlp + "up_proj", new Shape(inner, width));
        linears.put(mlp + "down_proj", new Shape(width, inner));
    }

    /// Modules that may not be trained whole beside an adapter: linear ones, and those that others
    /// are inside of.
    public Set<String> others() {
        var paths = new LinkedHashSet<>(linears.keySet());
        paths.remove(output);
        var leaves = new ArrayList<>(paths);
        leaves.addAll(whole);
        for (String leaf : leaves) {
            for (int dot = leaf.indexOf('.'); dot >= 0; dot = leaf.indexOf('.', dot + 1)) {
                paths.add(leaf.substring(0, dot));
            }
        }
        return paths;
    }
}
