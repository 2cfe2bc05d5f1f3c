package org.attune.testing;

import org.attune.model.config.AttentionConfig;
import org.attune.model.config.BlockConfig;
import org.attune.model.config.BlockConfig.Copies;
import org.attune.model.config.BlockConfig.Residual;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.TensorNames;

/// Random weights of what differs between layers, and of what blocks do to their outputs.
final class TinyVaried {
    private TinyVaried() {}

    /// Attention of a layer.
    static void put(MemoryTensorFile file, DecoderConfig config, int layer) {
        AttentionConfig a = config.attention();
        AttentionConfig.Sizes sizes = a.sizes(layer);
        TensorNames names = config.names();
        String path = names.block(layer);
        int width = config.hiddenSize();
        int queries = a.heads() * sizes.headDim();
        int keys = sizes.kvHeads() * sizes.headDim();
        boolean own = a.source(layer) == layer;
        TinyModels.linear(file, path + names.qkv().get(0), queries, width, a.qkvBias());
        TinyModels.norm(file, path + names.qkNorms().get(0) + ".weight", sizes.headDim());
        if (own) {
            TinyModels.linear(file, path + names.qkv().get(1), keys, width, a.qkvBias());
            TinyModels.norm(file, path + names.qkNorms().get(1) + ".weight", sizes.headDim());
        }
        if (own && !sizes.keysAreValues()) {
            TinyModels.linear(file, path + names.qkv().get(2), keys, width, a.qkvBias());
        }
        TinyModels.linear(file, path + names.output(), width, queries, a.outputBias());
    }

    /// What a block does to its output, what the first one makes for all, and norms and factors of
    /// experts beside a dense part.
    static void putEnd(MemoryTensorFile file, DecoderConfig config, int layer) {
        BlockConfig.End end = config.block().end();
        String path = config.names().block(layer);
        String trunk = config.names().trunk() + ".";
        int width = config.hiddenSize();
        int all = config.layers() * end.width();
        if (end.reads() && layer == 0) {
            TinyModels.normal(
                    file, trunk + BlockConfig.End.EMBEDDING + ".weight", 1, end.rows(), all);
            TinyModels.linear(file, trunk + BlockConfig.End.PROJECTION, all, width, false);
            TinyModels.norm(file, trunk + BlockConfig.End.PROJECTION_NORM + ".weight", end.width());
        }
        if (end.reads()) {
            TinyModels.linear(file, path + BlockConfig.End.GATE, end.width(), width, false);
            TinyModels.linear(file, path + BlockConfig.End.OUT, width, end.width(), false);
            TinyModels.norm(file, path + BlockConfig.End.NORM + ".weight", width);
        }
        if (end.scaled()) {
            TinyModels.norm(file, path + BlockConfig.End.SCALAR, 1);
        }
        config.block()
                .feedForward()
                .experts(layer)
                .ifPresent(e -> putExperts(file, e, path, width));
    }

    /// What is beside adding a block's parts to the residual stream.
    static void putResidual(MemoryTensorFile file, DecoderConfig config, int layer) {
        Residual r = config.block().residual();
        String path = config.names().block(layer);
        int width = config.hiddenSize();
        if (r.rank() > 0) {
            TinyModels.linear(file, path + Residual.LEFT, r.rank(), width, false);
            TinyModels.linear(file, path + Residual.RIGHT, width, r.rank(), false);
            TinyModels.norm(file, path + Residual.NORM + ".weight", width);
        }
        r.copies().ifPresent(c -> putCopies(file, config, c, layer));
    }

    private static void putCopies(
            MemoryTensorFile file, DecoderConfig config, Copies c, int layer) {
        String path = config.names().block(layer);
        String trunk = config.names().trunk() + ".";
        int width = config.hiddenSize();
        int count = c.count();
        for (int i = 0; layer == 0 && i < count - 1; i++) {
            TinyModels.linear(file, trunk + Copies.OPENING + "." + i, width, width, false);
            TinyModels.linear(file, trunk + Copies.CLOSING + "." + i, width, width, false);
        }
        // Routers read numbers divided by the width.
        TinyModels.normal(file, path + Copies.ROUTER + ".weight", 4, count, width);
        TinyModels.norm(file, path + Copies.NORM + ".weight", width);
        TinyModels.linear(file, path + Copies.PREDICTION, count * count, count, false);
        TinyModels.linear(file, path + Copies.CORRECTION, count, count, false);
        TinyModels.norm(file, path + Copies.SCALE, width);
    }

    private static void putExperts(
            MemoryTensorFile file, ExpertsConfig experts, String path, int width) {
        if (experts.beside()) {
            TinyModels.norm(file, path + ExpertsConfig.DENSE_NORM + ".weight", width);
            TinyModels.norm(file, path + ExpertsConfig.NORM_BEFORE + ".weight", width);
            TinyModels.norm(file, path + ExpertsConfig.NORM_AFTER + ".weight", width);
        }
        if (experts.router().scaled()) {
            TinyModels.norm(file, path + ExpertsConfig.RouterConfig.SCALE, width);
            TinyModels.norm(file, path + ExpertsConfig.RouterConfig.EXPERT_SCALE, experts.count());
        }
    }
}
