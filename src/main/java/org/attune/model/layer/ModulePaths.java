package org.attune.model.layer;

import org.attune.model.config.AttentionConfig;
import org.attune.model.config.BlockConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.MixersConfig;
import org.attune.model.config.QkNorm;
import org.attune.model.config.StateConfig;
import org.attune.model.config.TensorNames;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The modules of a model by Hugging Face's paths, as its configuration alone tells them: what an
/// adapter may name is known before any weight is read.
///
/// @param linears paths of the linear modules that may be adapted, with their shapes `(out, in)`
/// @param output path of the output layer or score head
/// @param whole paths of the embedding, which comes first, the output layer and norms, which may be
///     trained whole
/// @param aNorm name of a norm in a block
public record ModulePaths(
        Map<String, Shape> linears, String output, List<String> whole, String aNorm) {
    /// @param out rows
    /// @param in columns
    public record Shape(long out, long in) {}

    /// A parameter of a block that holds one matrix for each expert, as transformers 5 has it in
    /// memory, or the router's matrix. Adapters may name it (PEFT's `target_parameters`). Each
    /// expert's part of it is the weight of one [FusedLinear].
    ///
    /// @param name with the block's path, e.g. `model.layers.0.mlp.experts.gate_up_proj`
    /// @param layer number of the block
    /// @param kind of the matrices
    /// @param count of matrices; 1 for the router
    /// @param out rows of a matrix
    /// @param in its columns
    /// @param interleaved whether each row of the gate has the other projection's beside it
    public record ExpertParameter(
            String name, int layer, Kind kind, int count, long out, long in, boolean interleaved) {
        /// Which matrices.
        public enum Kind {
            /// Into experts: gate and up.
            UP,
            /// Out of experts.
            DOWN,
            /// Of the router.
            ROUTER
        }

        /// All of a model, in the order of the blocks.
        public static List<ExpertParameter> of(DecoderConfig config) {
            List<ExpertParameter> all = new ArrayList<>();
            Optional<TensorNames.Experts> names = config.names().experts();
            for (int layer = 0; names.isPresent() && layer < config.layers(); layer++) {
                if (config.parts(layer).feedForward()) {
                    int block = layer;
                    config.block()
                            .feedForward()
                            .experts(layer)
                            .ifPresent(e -> all.addAll(ofBlock(config, names.get(), e, block)));
                }
            }
            return all;
        }

        private static List<ExpertParameter> ofBlock(
                DecoderConfig config, TensorNames.Experts names, ExpertsConfig e, int layer) {
            TensorNames.Stored stored = names.stored().orElse(ExpertLayout.FUSED);
            String block = config.names().block(layer);
            String router = names.stored().isEmpty() ? "mlp.gate" : names.router();
            long width = config.hiddenSize();
            long inner = e.inner();
            long both = config.block().feedForward().gated() ? 2 * inner : inner;
            boolean mixed = stored.interleaved();
            return List.of(
                    new ExpertParameter(
                            block + router + ".weight",
                            layer,
                            Kind.ROUTER,
                            1,
                            e.count(),
                            width,
                            false),
                    new ExpertParameter(
                            block + stored.up(), layer, Kind.UP, e.count(), both, width, mixed),
                    new ExpertParameter(
                            block + stored.down(),
                            layer,
                            Kind.DOWN,
                            e.count(),
                            width,
                            inner,
                            false));
        }

        /// Path of the module that has it.
        public String module() {
            return name.substring(0, name.lastIndexOf('.'));
        }

        /// Path that of one expert's matrix; the router's own path for the router.
        public String path(int expert) {
            return kind == Kind.ROUTER
                    ? module()
                    : module() + "." + expert + name.substring(name.lastIndexOf('.'));
        }

        /// The layers of a decoder that it is the weights of, by expert.
        ///
        /// @param decoder of the configuration that this is of
        public List<FusedLinear> layers(Decoder decoder) {
            Experts experts =
                    switch (decoder.blocks().get(layer).feedForward().orElseThrow()) {
                        case Experts alone -> alone;
                        case DenseAndExperts both -> both.experts();
                        case FeedForward.Dense _,
                                FeedForward.Normed _,
                                FeedForward.Sparse _,
                                FeedForward.Scaled _,
                                Xielu _ ->
                                throw new IllegalStateException(name + " is in a layer without");
                    };
            return switch (kind) {
                case ROUTER -> List.of(experts.router().projection());
                case UP -> experts.experts().stream().map(FeedForward.Dense::up).toList();
                case DOWN -> experts.experts().stream().map(FeedForward.Dense::down).toList();
            };
        }
    }

    public static ModulePaths of(DecoderConfig config) {
        TensorNames names = config.names();
        Map<String, Shape> linears = new LinkedHashMap<>();
        List<String> whole = new ArrayList<>(List.of(names.embeddingPath()));
        config.positionsPath().ifPresent(whole::add);
        for (int layer = 0; layer < config.layers(); layer++) {
            block(config, layer, linears, whole);
        }
        if (config.block().end().reads()) {
            layerInputs(config, linears, whole);
        }
        config.block().residual().copies().ifPresent(c -> ends(config, c, linears));
        if (config.block().norm().isWeighted()) {
            whole.add(names.finalNormPath());
        }
        config.vision()
                .ifPresent(
                        v -> {
                            v.linears(config.hiddenSize())
                                    .forEach(
                                            (path, shape) ->
                                                    linears.put(
                                                            path, new Shape(shape[0], shape[1])));
                            whole.addAll(v.norms().keySet());
                        });
        String output = names.outputPath(config);
        whole.add(output);
        if (!config.scores()) {
            linears.put(output, new Shape(config.vocabSize(), config.hiddenSize()));
        }
        return new ModulePaths(linears, output, whole, names.norms().getFirst());
    }

    private static void block(
            DecoderConfig config, int layer, Map<String, Shape> linears, List<String> whole) {
        TensorNames names = config.names();
        String path = names.block(layer);
        long width = config.hiddenSize();
        long inner = config.block().feedForward().inner(layer);
        if (config.block().norm().isWeighted()) {
            names.norms().forEach(norm -> whole.add(path + norm));
            names.innerNorms().forEach(norm -> whole.add(path + norm));
        }
        residual(config, path, linears, whole);
        MixersConfig.Parts parts = config.parts(layer);
        if (parts.attention() && config.variesAttention()) {
            varied(config, layer, linears, whole);
        } else if (parts.attention()) {
            attention(config, path, linears, whole);
        }
        if (parts.state()) {
            state(config, path, linears, whole);
        }
        if (!parts.feedForward()) {
            return;
        }
        Optional<ExpertsConfig> experts = config.block().feedForward().experts(layer);
        if (experts.isPresent()) {
            int projections = config.block().feedForward().matrices() - 1;
            experts(
                    names.experts().orElseThrow(),
                    experts.get(),
                    path,
                    width,
                    projections,
                    linears);
            if (experts.get().beside()) {
                whole.add(path + ExpertsConfig.DENSE_NORM);
                whole.add(path + ExpertsConfig.NORM_BEFORE);
                whole.add(path + ExpertsConfig.NORM_AFTER);
            }
        }
        if (config.block().feedForward().isDense(layer)) {
            long up = inner * config.block().feedForward().projectionsIn(names.up().size());
            names.up().forEach(name -> linears.put(path + name, new Shape(up, width)));
            linears.put(path + names.down(), new Shape(width, inner));
        }
        if (config.block().end().reads()) {
            long own = config.block().end().width();
            linears.put(path + BlockConfig.End.GATE, new Shape(own, width));
            linears.put(path + BlockConfig.End.OUT, new Shape(width, own));
            whole.add(path + BlockConfig.End.NORM);
        }
    }

    /// What is beside adding a block's parts to the residual stream.
    private static void residual(
            DecoderConfig config, String path, Map<String, Shape> linears, List<String> whole) {
        BlockConfig.Residual r = config.block().residual();
        long width = config.hiddenSize();
        if (r.rank() > 0) {
            linears.put(path + BlockConfig.Residual.LEFT, new Shape(r.rank(), width));
            linears.put(path + BlockConfig.Residual.RIGHT, new Shape(width, r.rank()));
            whole.add(path + BlockConfig.Residual.NORM);
        }
        if (r.copies().isPresent()) {
            long count = r.copies().get().count();
            linears.put(path + BlockConfig.Copies.ROUTER, new Shape(count, width));
            linears.put(path + BlockConfig.Copies.PREDICTION, new Shape(count * count, count));
            linears.put(path + BlockConfig.Copies.CORRECTION, new Shape(count, count));
            whole.add(path + BlockConfig.Copies.NORM);
        }
    }

    /// What makes copies of the residual stream, and one of them.
    private static void ends(
            DecoderConfig config, BlockConfig.Copies copies, Map<String, Shape> linears) {
        String trunk = config.names().trunk() + ".";
        var square = new Shape(config.hiddenSize(), config.hiddenSize());
        for (int i = 0; i < copies.count() - 1; i++) {
            linears.put(trunk + BlockConfig.Copies.OPENING + "." + i, square);
            linears.put(trunk + BlockConfig.Copies.CLOSING + "." + i, square);
        }
    }

    /// What makes the vectors that layers read of tokens.
    private static void layerInputs(
            DecoderConfig config, Map<String, Shape> linears, List<String> whole) {
        String trunk = config.names().trunk() + ".";
        long all = (long) config.layers() * config.block().end().width();
        linears.put(trunk + BlockConfig.End.PROJECTION, new Shape(all, config.hiddenSize()));
        whole.add(trunk + BlockConfig.End.EMBEDDING);
        whole.add(trunk + BlockConfig.End.PROJECTION_NORM);
    }

    private static void varied(
            DecoderConfig config, int layer, Map<String, Shape> linears, List<String> whole) {
        TensorNames names = config.names();
        String path = names.block(layer);
        AttentionConfig.Sizes sizes = config.attention().sizes(layer);
        long width = config.hiddenSize();
        long queries = (long) config.heads() * sizes.headDim();
        Shape keys = new Shape((long) sizes.kvHeads() * sizes.headDim(), width);
        boolean own = config.attention().source(layer) == layer;
        linears.put(path + names.qkv().get(0), new Shape(queries, width));
        whole.add(path + names.qkNorms().get(0));
        if (own) {
            linears.put(path + names.qkv().get(1), keys);
            whole.add(path + names.qkNorms().get(1));
        }
        if (own && !sizes.keysAreValues()) {
            linears.put(path + names.qkv().get(2), keys);
        }
        linears.put(path + names.output(), new Shape(width, queries));
    }

    private static void state(
            DecoderConfig config, String block, Map<String, Shape> linears, List<String> whole) {
        StateConfig state = config.block().mixers().state().orElseThrow();
        StateShapes.of(state, config.names().state().orElseThrow(), config.hiddenSize())
                .forEach(
                        tensor -> {
                            String path = block + tensor.path();
                            if (tensor.isLinear()) {
                                linears.put(path, new Shape(tensor.shape()[0], tensor.shape()[1]));
                            } else if (tensor.isModule()) {
                                whole.add(path);
                            }
                        });
    }

    private static void attention(
            DecoderConfig config, String path, Map<String, Shape> linears, List<String> whole) {
        TensorNames names = config.names();
        AttentionConfig a = config.attention();
        long width = config.hiddenSize();
        if (a.latent().isPresent()) {
            a.latent()
                    .get()
                    .linears(a.heads(), width)
                    .forEach((name, s) -> linears.put(path + name, new Shape(s[0], s[1])));
            a.latent().get().norms().keySet().forEach(name -> whole.add(path + name));
            return;
        }
        long queries = (long) a.heads() * a.headDim();
        long keys = (long) a.kvHeads() * a.headDim();
        if (names.qkv().size() == 1) {
            linears.put(
                    path + names.qkv().getFirst(),
                    new Shape(a.projectedQueries() + 2 * keys, width));
        } else {
            linears.put(path + names.qkv().get(0), new Shape(a.projectedQueries(), width));
            linears.put(path + names.qkv().get(1), new Shape(keys, width));
            linears.put(path + names.qkv().get(2), new Shape(keys, width));
        }
        if (a.qkNorm() != QkNorm.NONE
                && a.qkNorm() != QkNorm.ROTATED_BARE
                && config.block().norm().isWeighted()) {
            names.qkNorms().forEach(norm -> whole.add(path + norm));
        }
        linears.put(path + names.output(), new Shape(width, queries));
    }

    private static void experts(
            TensorNames.Experts names,
            ExpertsConfig experts,
            String path,
            long width,
            int projections,
            Map<String, Shape> linears) {
        boolean apart = names.stored().isEmpty(); // else they are no modules
        if (apart || names.stored().get().linearRouter()) {
            linears.put(path + names.router(), new Shape(experts.count(), width));
        }
        for (int i = 0; apart && i < experts.count(); i++) {
            String expert = path + names.list() + "." + i + ".";
            gated(names.up(), names.down(), expert, experts.inner(), width, projections, linears);
        }
        if (experts.shared() > 0) {
            TensorNames.Shared own = names.shared().orElseThrow();
            String shared = path + own.path() + ".";
            gated(own.up(), own.down(), shared, experts.shared(), width, projections, linears);
            if (names.hasSharedGate()) {
                linears.put(path + own.gate(), new Shape(1, width));
            }
        }
    }

    private static void gated(
            List<String> up,
            String down,
            String path,
            long inner,
            long width,
            int projections,
            Map<String, Shape> linears) {
        long rows = projections / up.size() * inner;
        up.forEach(name -> linears.put(path + name, new Shape(rows, width)));
        linears.put(path + down, new Shape(width, inner));
    }

    /// Path of the embedding.
    public String embedding() {
        return whole.getFirst();
    }

    /// Linear modules, and those that others are inside of. Beside an adapter only those of what
    /// sees pictures may be trained whole.
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
