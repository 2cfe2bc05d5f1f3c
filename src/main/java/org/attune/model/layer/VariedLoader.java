package org.attune.model.layer;

import org.attune.model.config.AttentionConfig;
import org.attune.model.config.BlockConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.TensorNames;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// Reads what differs between the layers of a model, and what blocks do besides attention and a
/// feed-forward part.
///
/// @param loader reads the tensors
record VariedLoader(DecoderConfig config, WeightLoader loader) {
    VariedAttention attention(int layer) {
        TensorNames names = config.names();
        String path = names.block(layer);
        AttentionConfig a = config.attention();
        AttentionConfig.Sizes sizes = a.sizes(layer);
        int width = config.hiddenSize();
        int queries = a.heads() * sizes.headDim();
        int keys = sizes.kvHeads() * sizes.headDim();
        int source = a.source(layer);
        boolean own = source == layer;
        AttentionConfig.Varied varied = a.varied().orElseThrow();
        List<String> projections = names.qkv().subList(1, sizes.keysAreValues() ? 2 : 3);
        int[] outs = sizes.keysAreValues() ? new int[] {keys} : new int[] {keys, keys};
        return new VariedAttention(
                loader.linear(width, a.qkvBias(), path, names.qkv().subList(0, 1), queries),
                loader.norm(path + names.qkNorms().get(0), sizes.headDim()),
                own
                        ? Optional.of(loader.linear(width, a.qkvBias(), path, projections, outs))
                        : Optional.empty(),
                own
                        ? Optional.of(loader.norm(path + names.qkNorms().get(1), sizes.headDim()))
                        : Optional.empty(),
                own && varied.normedValues() ? Optional.of(bare()) : Optional.empty(),
                loader.linear(queries, a.outputBias(), path, List.of(names.output()), width),
                sizes,
                config.window(layer).orElse(0),
                a.softcap(),
                source,
                varied.lends(layer));
    }

    private BareNorm bare() {
        return new BareNorm(config.normEps(), false);
    }

    /// A dense part beside experts.
    ///
    /// @param before norm of what the dense part reads
    DenseAndExperts both(int layer, FeedForward.Dense dense, Norm before, Experts experts) {
        String path = config.names().block(layer);
        return new DenseAndExperts(
                dense,
                new DenseAndExperts.Pair(before, norm(path + ExpertsConfig.DENSE_NORM)),
                experts,
                new DenseAndExperts.Pair(
                        norm(path + ExpertsConfig.NORM_BEFORE),
                        norm(path + ExpertsConfig.NORM_AFTER)));
    }

    private Norm norm(String path) {
        return loader.norm(path, config.hiddenSize());
    }

    Router.Factors factors(String path, int experts) {
        return new Router.Factors(
                bare(),
                loader.weight(path + ExpertsConfig.RouterConfig.SCALE, config.hiddenSize()),
                loader.weight(path + ExpertsConfig.RouterConfig.EXPERT_SCALE, experts));
    }

    BlockEnd end(int layer) {
        BlockConfig.End end = config.block().end();
        String path = config.names().block(layer);
        return new BlockEnd(
                layer,
                layer == 0 && end.reads() ? Optional.of(inputs(end)) : Optional.empty(),
                end.reads() ? Optional.of(reader(path, end.width())) : Optional.empty(),
                end.scaled()
                        ? Optional.of(loader.weight(path + BlockConfig.End.SCALAR, 1))
                        : Optional.empty());
    }

    private BlockEnd.Reader reader(String path, int own) {
        int width = config.hiddenSize();
        return new BlockEnd.Reader(
                loader.linear(width, false, path, List.of(BlockConfig.End.GATE), own),
                loader.linear(own, false, path, List.of(BlockConfig.End.OUT), width),
                norm(path + BlockConfig.End.NORM),
                config.activation());
    }

    Optional<LearnedResidual> learned(int layer) {
        int rank = config.block().residual().rank();
        String path = config.names().block(layer);
        int width = config.hiddenSize();
        return rank == 0
                ? Optional.empty()
                : Optional.of(
                        new LearnedResidual(
                                linear(path, BlockConfig.Residual.LEFT, width, rank),
                                linear(path, BlockConfig.Residual.RIGHT, rank, width),
                                norm(path + BlockConfig.Residual.NORM)));
    }

    Optional<AltUp> copies(int layer) {
        String path = config.names().block(layer);
        return config.block().residual().copies().map(c -> altUp(c, path, layer));
    }

    private AltUp altUp(BlockConfig.Copies c, String path, int layer) {
        int width = config.hiddenSize();
        int count = c.count();
        return new AltUp(
                count,
                c.active(),
                layer == 0 ? Optional.of(ends(c, BlockConfig.Copies.OPENING)) : Optional.empty(),
                layer == config.layers() - 1
                        ? Optional.of(ends(c, BlockConfig.Copies.CLOSING))
                        : Optional.empty(),
                linear(path, BlockConfig.Copies.ROUTER, width, count),
                norm(path + BlockConfig.Copies.NORM),
                linear(path, BlockConfig.Copies.PREDICTION, count, count * count),
                linear(path, BlockConfig.Copies.CORRECTION, count, count),
                loader.weight(path + BlockConfig.Copies.SCALE, width),
                c.scaled());
    }

    private List<FusedLinear> ends(BlockConfig.Copies c, String name) {
        String trunk = config.names().trunk() + ".";
        int width = config.hiddenSize();
        return IntStream.range(0, c.count() - 1)
                .mapToObj(i -> linear(trunk, name + "." + i, width, width))
                .toList();
    }

    private FusedLinear linear(String path, String name, int in, int out) {
        return loader.linear(in, false, path, List.of(name), out);
    }

    private LayerInputs inputs(BlockConfig.End end) {
        String trunk = config.names().trunk() + ".";
        int all = config.layers() * end.width();
        return new LayerInputs(
                loader.weight(trunk + BlockConfig.End.EMBEDDING + ".weight", end.rows(), all),
                loader.linear(
                        config.hiddenSize(),
                        false,
                        trunk,
                        List.of(BlockConfig.End.PROJECTION),
                        all),
                loader.norm(trunk + BlockConfig.End.PROJECTION_NORM, end.width()),
                config.special().pad().orElse(-1));
    }
}
