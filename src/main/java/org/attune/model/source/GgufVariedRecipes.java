package org.attune.model.source;

import org.attune.model.config.BlockConfig;
import org.attune.model.config.BlockConfig.Copies;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.ExpertsConfig.RouterConfig;

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
            rules.rows(
                    trunk + BlockConfig.End.EMBEDDING + ".weight",
                    "per_layer_token_embd.weight",
                    config.vocabSize());
            rules.module(trunk + BlockConfig.End.PROJECTION, "per_layer_model_proj");
            rules.norm(trunk + BlockConfig.End.PROJECTION_NORM, "per_layer_proj_norm");
        }
        config.block().residual().copies().ifPresent(this::ends);
    }

    private void ends(BlockConfig.Copies c) {
        String trunk = config.names().trunk() + ".";
        int others = c.count() - 1;
        for (int i = 0; i < others; i++) {
            rules.ofStack(trunk + Copies.OPENING + "." + i, "altup_proj", others, i, 0, 1);
            rules.ofStack(trunk + Copies.CLOSING + "." + i, "altup_unembd_proj", others, i, 0, 1);
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
        residual(path, own);
        if (config.attention().source(layer) != layer) {
            unused(own, layer);
        }
        config.block().feedForward().experts(layer).ifPresent(e -> experts(path, own, e));
    }

    private void residual(String path, String own) {
        BlockConfig.Residual r = config.block().residual();
        if (r.rank() > 0) {
            rules.module(path + BlockConfig.Residual.LEFT, own + "laurel_l");
            rules.module(path + BlockConfig.Residual.RIGHT, own + "laurel_r");
            rules.norm(path + BlockConfig.Residual.NORM, own + "laurel_post_norm");
        }
        if (r.copies().isPresent()) {
            rules.module(path + Copies.ROUTER, own + "altup_router");
            rules.norm(path + Copies.NORM, own + "altup_router_norm");
            rules.module(path + Copies.PREDICTION, own + "altup_predict_coef");
            rules.module(path + Copies.CORRECTION, own + "altup_correct_coef");
            rules.same(path + Copies.SCALE, own + "altup_correct_scale.weight");
        }
    }

    /// Keys that no layer reads. Files may have them; llama.cpp wants them of Gemma 3n.
    private void unused(String own, int layer) {
        boolean needed = config.block().residual().copies().isPresent();
        long size = config.attention().sizes(layer).headDim();
        long rows = size * config.attention().sizes(layer).kvHeads();
        long[] matrix = needed ? new long[] {rows, config.hiddenSize()} : new long[0];
        rules.unused(own + "attn_k.weight", matrix);
        rules.unused(own + "attn_v.weight", matrix);
        rules.unused(own + "attn_k_norm.weight", needed ? new long[] {size} : new long[0]);
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
