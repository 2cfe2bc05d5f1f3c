package org.attune.model.layer;

import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.BlockConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.MixersConfig;
import org.attune.model.config.StateConfig;
import org.attune.model.config.TensorNames;
import org.attune.model.config.VisionConfig;

import java.util.Arrays;
import java.util.Optional;

/// Compares what a configuration says with the tensors that a model's files hold, before memory is
/// taken for any of them. Files say how large their tensors are, a configuration may say anything.
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
        TensorNames names = config.names();
        var width = new Size("hidden_size", config.hiddenSize());
        shapes.require(names.embeddingPath(), new Size("vocab_size", config.vocabSize()), width);
        var positions = new Size("max_position_embeddings", config.maxPositionEmbeddings());
        config.positionsPath().ifPresent(path -> shapes.require(path, positions, width));
        for (int layer = 0; layer < config.layers(); layer++) {
            shapes.requireBlock(names.block(layer), layer, width);
        }
        config.vision().ifPresent(shapes::requireVision);
        if (config.block().end().reads()) {
            shapes.requireLayerInputs(names.trunk() + ".", width);
        }
        config.block().residual().copies().ifPresent(c -> shapes.requireEnds(c, width));
        if (config.block().norm().isWeighted()) {
            shapes.require(names.finalNormPath(), width);
        }
    }

    private void requireVision(VisionConfig vision) {
        String key = "of vision_config";
        vision.linears(config.hiddenSize())
                .forEach(
                        (path, shape) ->
                                require(path, new Size(key, shape[0]), new Size(key, shape[1])));
        vision.norms().forEach((path, width) -> require(path, new Size(key, width)));
    }

    private void requireLayerInputs(String trunk, Size width) {
        BlockConfig.End end = config.block().end();
        long own = end.width();
        var all = new Size("layers × numbers of a layer's vector", config.layers() * own);
        require(trunk + BlockConfig.End.EMBEDDING, new Size("tokens", end.rows()), all);
        require(trunk + BlockConfig.End.PROJECTION, all, width);
        require(trunk + BlockConfig.End.PROJECTION_NORM, new Size("a layer's vector", own));
    }

    private void requireBlock(String path, int layer, Size width) {
        TensorNames names = config.names();
        if (config.block().norm().isWeighted()) {
            names.norms().forEach(norm -> require(path + norm, width));
        }
        requireResidual(path, width);
        MixersConfig.Parts parts = config.parts(layer);
        if (parts.attention() && config.variesAttention()) {
            requireVaried(path, layer, width);
        } else if (parts.attention()) {
            requireAttention(path, width);
        }
        if (parts.state()) {
            requireState(path);
        }
        if (!parts.feedForward()) {
            return;
        }
        var inner = new Size("intermediate_size", config.block().feedForward().inner(layer));
        Optional<ExpertsConfig> experts = config.block().feedForward().experts(layer);
        if (experts.isPresent()) {
            requireExperts(path, experts.get(), names.experts().orElseThrow(), width);
        }
        if (!config.block().feedForward().isDense(layer)) {
            return;
        }
        int held = config.block().feedForward().projectionsIn(names.up().size());
        Size up = held == 1 ? inner : new Size(held + " × " + inner.key(), held * inner.value());
        names.up().forEach(name -> requireMatrix(path + name, up, width));
        requireMatrix(path + names.down(), width, inner);
    }

    private void requireResidual(String path, Size width) {
        BlockConfig.Residual r = config.block().residual();
        if (r.rank() > 0) {
            var rank = new Size("laurel_rank", r.rank());
            require(path + BlockConfig.Residual.LEFT, rank, width);
            require(path + BlockConfig.Residual.RIGHT, width, rank);
        }
        if (r.copies().isPresent()) {
            long own = r.copies().get().count();
            var count = new Size("altup_num_inputs", own);
            var pairs = new Size("altup_num_inputs squared", own * own);
            require(path + BlockConfig.Copies.ROUTER, count, width);
            require(path + BlockConfig.Copies.PREDICTION, pairs, count);
            require(path + BlockConfig.Copies.CORRECTION, count, count);
        }
    }

    private void requireEnds(BlockConfig.Copies copies, Size width) {
        String trunk = config.names().trunk() + ".";
        for (int i = 0; i < copies.count() - 1; i++) {
            require(trunk + BlockConfig.Copies.OPENING + "." + i, width, width);
            require(trunk + BlockConfig.Copies.CLOSING + "." + i, width, width);
        }
    }

    private void requireVaried(String path, int layer, Size width) {
        TensorNames names = config.names();
        AttentionConfig.Sizes sizes = config.attention().sizes(layer);
        var queries = new Size("heads × size of a head", (long) config.heads() * sizes.headDim());
        var keys = new Size("key heads × size", (long) sizes.kvHeads() * sizes.headDim());
        boolean own = config.attention().source(layer) == layer;
        requireMatrix(path + names.qkv().get(0), queries, width);
        if (own) {
            requireMatrix(path + names.qkv().get(1), keys, width);
        }
        if (own && !sizes.keysAreValues()) {
            requireMatrix(path + names.qkv().get(2), keys, width);
        }
        requireMatrix(path + names.output(), width, queries);
    }

    private void requireState(String path) {
        StateConfig state = config.block().mixers().state().orElseThrow();
        TensorNames.State names = config.names().state().orElseThrow();
        for (StateShapes.Stored tensor : StateShapes.of(state, names, config.hiddenSize())) {
            var sizes =
                    Arrays.stream(tensor.shape())
                            .mapToObj(size -> new Size("sizes of " + state.words(), size))
                            .toArray(Size[]::new);
            requireTensor(path + tensor.name(), sizes);
        }
    }

    private void requireAttention(String path, Size width) {
        TensorNames names = config.names();
        AttentionConfig a = config.attention();
        if (a.latent().isPresent()) {
            a.latent()
                    .get()
                    .linears(a.heads(), width.value())
                    .forEach(
                            (name, shape) ->
                                    require(
                                            path + name,
                                            new Size("rows of latent attention", shape[0]),
                                            new Size("columns of latent attention", shape[1])));
            return;
        }
        var queries = new Size("num_attention_heads × head_dim", (long) a.heads() * a.headDim());
        var projected = // with the gates
                a.gated() ? new Size("2 × " + queries.key(), a.projectedQueries()) : queries;
        var keys = new Size("num_key_value_heads × head_dim", (long) a.kvHeads() * a.headDim());
        if (names.qkv().size() == 1) {
            long rows = projected.value() + 2 * keys.value();
            var all = new Size("%s and twice %s".formatted(projected.key(), keys.key()), rows);
            requireMatrix(path + names.qkv().getFirst(), all, width);
        } else {
            requireMatrix(path + names.qkv().get(0), projected, width);
            requireMatrix(path + names.qkv().get(1), keys, width);
            requireMatrix(path + names.qkv().get(2), keys, width);
        }
        requireMatrix(path + names.output(), width, queries);
    }

    private void requireExperts(
            String path, ExpertsConfig experts, TensorNames.Experts names, Size width) {
        require(path + names.router(), new Size("number of experts", experts.count()), width);
        var inner = new Size("width inside of an expert", experts.inner());
        for (int i = 0; i < experts.count(); i++) {
            requireGated(names, path + names.list() + "." + i + ".", inner, width);
        }
        if (experts.shared() > 0) {
            TensorNames.Shared own = names.shared().orElseThrow();
            var shared = new Size("width inside of the shared expert", experts.shared());
            var both = new Size("twice the " + shared.key(), 2 * shared.value());
            boolean gated = config.block().feedForward().gated();
            Size up = gated && own.up().size() == 1 ? both : shared;
            own.up().forEach(name -> require(path + own.path() + "." + name, up, width));
            require(path + own.path() + "." + own.down(), width, shared);
            if (names.hasSharedGate()) {
                require(path + own.gate(), new Size("one gate", 1), width);
            }
        }
    }

    private void requireGated(TensorNames.Experts names, String path, Size inner, Size width) {
        names.up().forEach(name -> require(path + name, inner, width));
        require(path + names.down(), width, inner);
    }

    private void requireMatrix(String path, Size out, Size in) {
        if (config.names().transposed()) {
            require(path, in, out);
        } else {
            require(path, out, in);
        }
    }

    private void require(String path, Size... sizes) {
        requireTensor(path + ".weight", sizes);
    }

    private void requireTensor(String name, Size... sizes) {
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
