package org.attune.model.layer;

import org.attune.images.ImagePipeline.Prepared;
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
    private final List<Connector> connectors = new ArrayList<>(); // the decoder's first rows' first
    private final Optional<Weight> newline; // D numbers

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
        config.connectors().forEach(c -> connectors.add(new Connector(c, loader, out)));
        newline =
                config.lines().isPresent()
                        ? Optional.of(loader.numbers(config.newline(), out))
                        : Optional.empty();
    }

    VisionConfig config() {
        return config;
    }

    /// The linear layers, in the order in which they are computed.
    List<FusedLinear> linears() {
        return Stream.concat(
                        blocks.stream().flatMap(b -> b.linears().stream()),
                        connectors.stream().flatMap(c -> c.linears().stream()))
                .toList();
    }

    /// The norms, in the order in which they are computed.
    List<Norm> norms() {
        return Stream.of(
                        embedding.norm().stream(),
                        blocks.stream().flatMap(b -> b.norms().stream()),
                        last.stream(),
                        connectors.stream().flatMap(c -> c.norms().stream()))
                .flatMap(norms -> norms)
                .toList();
    }

    /// Weights that belong to neither.
    List<Weight> others() {
        return Stream.of(
                        embedding.others().stream(),
                        blocks.stream().flatMap(b -> b.others().stream()),
                        behindLast())
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
            return new Parts(
                    connectors.stream().flatMap(c -> c.linears().stream()).toList(),
                    Stream.concat(
                                    lastRead().stream(),
                                    connectors.stream().flatMap(c -> c.norms().stream()))
                            .toList(),
                    behindLast().toList());
        }
        VisionBlock block = blocks.get(stage - 1);
        return new Parts(block.linears(), block.norms(), block.others());
    }

    /// Weights of connectors and of [#arranged] that belong to neither linear layers nor norms.
    private Stream<Weight> behindLast() {
        return Stream.concat(
                connectors.stream().flatMap(c -> c.others().stream()), newline.stream());
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

    /// A stage in ordinary operators. Where a block has a connector, its features stand in further
    /// columns.
    ///
    /// @param x pixels of patches, `(T P, numbers)`, of the first stage; else what the stage before
    ///     it made
    /// @return `(T P, D)`, with `(1 + P)` for `P` where the encoder has a class token; behind the
    ///     last stage the decoder's rows, and in further columns what is added to them later
    Tensor stage(int stage, Tensor x, Grid grid, Expression e) {
        Optional<WindowOrder> order = order(grid);
        if (stage == 0) {
            Tensor y = embedding.apply(x, grid, e);
            return order.isPresent() ? order.get().ordered(y) : y;
        }
        int width = config.encoder().width();
        Tensor own = x.narrow(1, 0, width);
        if (stage == stages() - 1) {
            Optional<Norm> norm = lastRead();
            Tensor h = norm.isPresent() ? norm.get().apply(own, e::value) : own;
            Tensor[] parts = new Tensor[connectors.size()];
            parts[0] = connectors.getFirst().apply(withoutClassToken(h, grid), grid, e);
            for (int i = 1; i < parts.length; i++) {
                Tensor given = x.narrow(1, (long) i * width, width);
                parts[i] = connectors.get(i).apply(given, grid, e);
            }
            Tensor rows = parts.length == 1 ? parts[0] : Tensor.cat(1, parts);
            return order.isPresent() ? order.get().restored(rows) : rows;
        }
        int block = stage - 1;
        boolean all = order.isEmpty() || config.encoder().full().contains(block);
        int[] spans = all ? tiles(grid) : order.get().spans();
        Tensor y = blocks.get(block).apply(own, spans, rotation(grid, order, x), e);
        long more = x.size(1) - width;
        Tensor given = more == 0 ? y : Tensor.cat(1, y, x.narrow(1, width, more));
        return config.deep().containsKey(block) ? Tensor.cat(1, given, y) : given;
    }

    /// Whether rows of pictures stand otherwise than the stages make them.
    boolean arranges() {
        return newline.isPresent();
    }

    /// A picture's rows as the decoder reads them. Follows the stages, and needs all tiles.
    ///
    /// @param rows that the last stage made of all tiles, one behind the other, `(R, width)`
    /// @return `(rows, width)`
    Tensor arranged(Tensor rows, Prepared picture, Expression e) {
        if (newline.isEmpty()) {
            return rows;
        }
        int side = config.encoder().patches().side();
        var lines = new PictureLines(side, config.lines().getAsInt());
        return lines.apply(rows, picture, e.value(newline.get()));
    }

    private int[] tiles(Grid grid) {
        int[] spans = new int[grid.tiles()];
        Arrays.fill(spans, grid.ofTile() + (config.encoder().patches().classToken() ? 1 : 0));
        return spans;
    }

    private Optional<WindowOrder> order(Grid grid) {
        int side = config.encoder().window();
        return side == 0 ? Optional.empty() : Optional.of(WindowOrder.of(grid, side));
    }

    private Optional<PatchRotation> rotation(Grid grid, Optional<WindowOrder> order, Tensor x) {
        VisionEncoder encoder = config.encoder();
        if (!(encoder.positions() instanceof Rotary rotary)) {
            return Optional.empty();
        }
        var plain = PatchRotation.of(rotary, grid, encoder.headSize(), x.device());
        return Optional.of(order.map(plain::in).orElse(plain));
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
