package org.attune.model.source;

import org.attune.model.config.BlockConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.ExpertsConfig.RouterConfig;

import java.util.List;

/// Finds of which tensors of a GGUF file the weights are made that blocks have besides attention
/// and a feed-forward part.
///
/// @param rules  of the file
/// @param config of its model
record GgufVariedRecipes(GgufRules rules, DecoderConfig config) {
    /// Weights outside of blocks.
    void trunk() {
        if (config.block().end().reads()) {
            String trunk = config.names().trunk() + ".";
            rules.module(trunk + BlockConfig.End.EMBEDDING, "per_layer_token_embd");
            rules.module(trunk + BlockConfig.End.PROJECTION, "per_layer_model_proj");
            rules.norm(trunk + BlockConfig.End.PROJECTION_NORM, "per_layer_proj_norm");
        }
    }

    /// @param path of a block in the family's own files, with a dot behind it
    /// @param own  that in the file
    void block(String path, String own, int layer) {
        BlockConfig.End end = config.block().end();
        if (end.reads()) {
            rules.module(path + BlockConfig.End.GATE, own + "inp_gate");
            rules.module(path + BlockConfig.End.OUT, own + "proj");
            rules.norm(path + BlockConfig.End.NORM, own + "post_norm");
        }
        if (end.scaled()) {
            rules.same(path + BlockConfig.End.SCALAR, own + "layer_output_scale.weight");
        }
        if (config.attention().source(layer) != layer) { // a file may have keys that none reads
            for (String name : List.of("attn_k", "attn_v", "attn_k_norm")) {
                rules.unused(own + name + ".weight");
            }
        }
        config.block().feedForward().experts(layer).ifPresent(e -> experts(path, own, e));
    }

    private void experts(String path, String own, ExpertsConfig e) {
        if (e.router().scaled()) {
            rules.same(path + RouterConfig.SCALE, own + "ffn_gate_inp.scale");
            rules.same(path + RouterConfig.EXPERT_SCALE, own + "ffn_down_exps.scale");
        }
        if (e.beside()) {
            rules.norm(path + ExpertsConfig.DENSE_NORM, own + "post_ffw_norm_1");
            rules.norm(path + ExpertsConfig.NORM_BEFORE, own + "pre_ffw_norm_2");
            rules.norm(path + ExpertsConfig.NORM_AFTER, own + "post_ffw_norm_2");
        }
    }
}
