package org.attune.model.layer;

import org.attune.model.config.NormConfig;
import org.attune.model.config.VisionConfig;
import org.attune.model.config.VisionEncoder;
import org.attune.model.config.VisionEncoder.Grid;
import org.attune.model.config.VisionEncoder.LastNorm;
import org.attune.model.config.VisionEncoder.Positions.Rotary;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// What makes a decoder's rows of pictures: its weights and its mathematics, not how it is
/// computed. Patches pass through an encoder, in which those of a tile see each other, and through
/// a connector.
///
/// Shapes: `T` tiles, `P` patches of one, `D` width.
final class VisionTower {
    private final VisionConfig config;
    private final PatchEmbedding embedding;
    private final List<VisionBlock> blocks = new ArrayList<>();
    private final Optional<Norm> last;
    private final Connector connector;

    /// What is computed in a stage.
    private record Parts(List<FusedLinear> linears, List<Norm> norms, List<Weight> others) {
        Stream<Weight> weights() {
            return Stream.concat(
                    norms.stream().flatMap(n -> n.weights().stream()), others.stream());
        }

        boolean learns(Adapter adapter) {
            return linears.stream().anyMatch(l -> l.learns(adapter))
                    || weights().anyMatch(w -> w.learns(adapter));
        }

        boolean differs(Adapter adapter) {
            return linears.stream().anyMatch(l -> !l.updates(adapter).isEmpty())
                    || weights().anyMatch(w -> w.differs(adapter));
        }
    }

    /// @param loader that keeps weights as they are
    /// @param out width of the decoder
    VisionTower(VisionConfig config, WeightLoader loader, int out) {
        this.config = config;
        VisionEncoder encoder = config.encoder();
        embedding = new PatchEmbedding(config, loader);
        for (int i = 0; i < encoder.layers(); i++) {
            blocks.add(new VisionBlock(config, i, loader));
        }
        var kind = new NormConfig.Layer(encoder.norm().epsilon()); // whatever those of blocks are
        last =
                encoder.lastNorm() != LastNorm.NONE
                        ? Optional.of(loader.norm(kind, config.lastNorm(), encoder.width()))
                        : Optional.empty();
        connector = new Connector(config.connector(), loader, out);
    }

    VisionConfig config() {
        return config;
    }

    /// The linear layers, in the order in which they are computed.
    List<FusedLinear> linears() {
        return Stream.concat(
                        blocks.stream().flatMap(b -> b.linears().stream()),
                        connector.linears().stream())
                .toList();
    }

    /// The norms, in the order in which they are computed.
    List<Norm> norms() {
        return Stream.of(
                        embedding.norm().stream(),
                        blocks.stream().flatMap(b -> b.norms().stream()),
                        last.stream(),
                        connector.norms().stream())
                .flatMap(norms -> norms)
                .toList();
    }

    /// Weights that belong to neither.
    List<Weight> others() {
        return Stream.of(
                        embedding.others().stream(),
                        blocks.stream().flatMap(b -> b.others().stream()),
                        connector.others().stream())
                .flatMap(others -> others)
                .toList();
    }

    /// Number of stages: the embedding of patches, the blocks, the connector.
    int stages() {
        return config.encoder().taken() + 2;
    }

    private Parts parts(int stage) {
        if (stage == 0) {
            return new Parts(List.of(), embedding.norm().stream().toList(), embedding.others());
        }
        if (stage == stages() - 1) {
            List<Norm> norms =
                    Stream.concat(lastRead().stream(), connector.norms().stream()).toList();
            return new Parts(connector.linears(), norms, connector.others());
        }
        VisionBlock block = blocks.get(stage - 1);
        return new Parts(block.linears(), block.norms(), block.others());
    }

    /// The last norm, if what it gives is read.
    private Optional<Norm> lastRead() {
        return last.filter(_ -> config.encoder().lastNorm() == LastNorm.READ);
    }

    /// Whether backward passes with an adapter teach something in a stage.
    boolean learns(int stage, Adapter adapter) {
        return parts(stage).learns(adapter);
    }

    /// Whether rows of pictures are others with an adapter than without one.
    boolean differs(Adapter adapter) {
        for (int stage = 0; stage < stages(); stage++) {
            if (parts(stage).differs(adapter)) {
                return true;
            }
        }
        return false;
    }

    /// A stage in ordinary operators.
    ///
    /// @param x pixels of patches, `(T P, channels · pixels · pixels)`, of the first stage; else
    ///     what the stage before it made
    /// @return `(T P, D)`, with `(1 + P)` for `P` where the encoder has a class token; behind the
    ///     last stage the decoder's rows
    Tensor stage(int stage, Tensor x, Grid grid, Expression e) {
        if (stage == 0) {
            return embedding.apply(x, grid, e);
        }
        if (stage == stages() - 1) {
            Optional<Norm> norm = lastRead();
            Tensor h = norm.isPresent() ? norm.get().apply(x, e::value) : x;
            return connector.apply(withoutClassToken(h, grid), grid, e);
        }
        int[] spans = new int[grid.tiles()];
        Arrays.fill(spans, grid.ofTile() + (config.encoder().patches().classToken() ? 1 : 0));
        return blocks.get(stage - 1).apply(x, spans, rotation(grid, x), e);
    }

    private Optional<PatchRotation> rotation(Grid grid, Tensor x) {
        VisionEncoder encoder = config.encoder();
        return encoder.positions() instanceof Rotary rotary
                ? Optional.of(PatchRotation.of(rotary, grid, encoder.headSize(), x.device()))
                : Optional.empty();
    }

    private Tensor withoutClassToken(Tensor h, Grid grid) {
        if (!config.encoder().patches().classToken()) {
            return h;
        }
        long width = h.size(1);
        return h.reshape(grid.tiles(), grid.ofTile() + 1, width)
                .narrow(1, 1, grid.ofTile())
                .reshape((long) grid.tiles() * grid.ofTile(), width);
    }
}
