package org.attune.model.layer;

import org.attune.model.config.VisionConfig;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// What makes a decoder's rows of pictures: its weights and its mathematics, not how it is
/// computed. Tiles pass through the encoder of SigLIP
/// ([Zhai et al. 2023](https://arxiv.org/abs/2303.15343)) with learned positions. Squares of
/// patches are then put side by side and projected
/// ([Laurençon et al. 2024, §3](https://arxiv.org/abs/2408.12637)).
///
/// Shapes: `T` tiles, `P` patches of one, `D` width, `H` heads, `K` head size, `S` patches in a row
/// of such a square.
public final class VisionTower {
    private final VisionConfig config;
    private final Weight patches; // (D, channels, pixels, pixels)
    private final Weight bias; // (D)
    private final Weight positions; // (P of the largest tile, D)
    private final List<Layer> layers = new ArrayList<>();
    private final Norm last;
    private final FusedLinear projection;

    /// A block of the encoder.
    private record Layer(
            Norm before, FusedLinear qkv, FusedLinear output, Norm second, FeedForward.Plain mlp) {}

    /// @param loader that keeps weights as they are
    /// @param out width of the decoder
    VisionTower(VisionConfig config, WeightLoader loader, int out) {
        this.config = config;
        int width = config.width();
        int pixels = config.patchSize();
        String path = VisionConfig.PATCHES;
        patches = loader.weight(path + ".weight", width, config.channels(), pixels, pixels);
        bias = loader.weight(path + ".bias", width);
        long places = (long) config.side() * config.side();
        positions = loader.weight(VisionConfig.POSITIONS + ".weight", places, width);
        for (int i = 0; i < config.layers(); i++) {
            layers.add(layer(loader, config.block(i)));
        }
        last = norm(loader, VisionConfig.LAST_NORM);
        String connector = VisionConfig.PROJECTION;
        int dot = connector.lastIndexOf('.') + 1;
        projection =
                loader.linear(
                        config.projected(),
                        false,
                        connector.substring(0, dot),
                        List.of(connector.substring(dot)),
                        out);
    }

    private Layer layer(WeightLoader loader, String path) {
        int width = config.width();
        int inner = config.inner();
        List<String> names = VisionConfig.LINEARS;
        return new Layer(
                norm(loader, path + VisionConfig.NORMS.get(0)),
                loader.linear(width, true, path, names.subList(0, 3), width, width, width),
                loader.linear(width, true, path, names.subList(3, 4), width),
                norm(loader, path + VisionConfig.NORMS.get(1)),
                new FeedForward.Plain(
                        loader.linear(width, true, path, names.subList(4, 5), inner),
                        loader.linear(inner, true, path, names.subList(5, 6), width),
                        config.activation()));
    }

    private Norm norm(WeightLoader loader, String path) {
        return new LayerNorm(
                loader.weight(path + ".weight", config.width()),
                Optional.of(loader.weight(path + ".bias", config.width())),
                config.epsilon(),
                0);
    }

    public VisionConfig config() {
        return config;
    }

    /// The linear layers, in the order in which they are computed.
    public List<FusedLinear> linears() {
        return Stream.concat(layers.stream().flatMap(VisionTower::linears), Stream.of(projection))
                .toList();
    }

    private static Stream<FusedLinear> linears(Layer layer) {
        return Stream.concat(
                Stream.of(layer.qkv(), layer.output()), layer.mlp().linears().stream());
    }

    /// The norms, in the order in which they are computed.
    public List<Norm> norms() {
        return Stream.concat(
                        layers.stream().flatMap(l -> Stream.of(l.before(), l.second())),
                        Stream.of(last))
                .toList();
    }

    /// Weights that belong to neither.
    public List<Weight> others() {
        return List.of(patches, bias, positions);
    }

    /// Number of stages: the embedding of patches, the blocks, the projection.
    int stages() {
        return layers.size() + 2;
    }

    /// Whether backward passes with an adapter teach something in a stage.
    boolean learns(int stage, Adapter adapter) {
        if (stage == 0) {
            return others().stream().anyMatch(w -> w.learns(adapter));
        }
        boolean ends = stage == stages() - 1;
        Layer layer = ends ? null : layers.get(stage - 1);
        Stream<FusedLinear> linears = ends ? Stream.of(projection) : linears(layer);
        Stream<Norm> norms = ends ? Stream.of(last) : Stream.of(layer.before(), layer.second());
        return linears.anyMatch(l -> l.learns(adapter))
                || norms.flatMap(n -> n.weights().stream()).anyMatch(w -> w.learns(adapter));
    }

    /// Whether rows of pictures are others with an adapter than without one.
    boolean differs(Adapter adapter) {
        return linears().stream().anyMatch(l -> !l.updates(adapter).isEmpty())
                || Stream.concat(
                                norms().stream().flatMap(n -> n.weights().stream()),
                                others().stream())
                        .anyMatch(w -> w.value(adapter) != w.base());
    }

    /// A stage in ordinary operators.
    ///
    /// @param x pixels of patches, `(T P, channels · pixels · pixels)`, of the first stage; else
    ///     what the stage before it made
    /// @param tiles `T`
    /// @return `(T P, D)`, or behind the last stage the decoder's rows, `(T P / S², width)`
    Tensor stage(int stage, Tensor x, int tiles, Expression e) {
        if (stage == 0) {
            return embedded(x, tiles, e);
        }
        if (stage == stages() - 1) {
            return projected(x, tiles, e);
        }
        Layer layer = layers.get(stage - 1);
        Tensor mixed = x.add(attended(layer, layer.before().apply(x, e::value), tiles, e));
        return mixed.add(layer.mlp().apply(layer.second().apply(mixed, e::value), e));
    }

    private Tensor embedded(Tensor x, int tiles, Expression e) {
        Tensor matrix = e.value(patches).reshape(config.width(), x.size(1));
        int perTile = Math.toIntExact(x.size(0) / tiles);
        int[] places = places((int) Math.round(Math.sqrt(perTile)));
        int[] all = new int[perTile * tiles];
        for (int tile = 0; tile < tiles; tile++) {
            System.arraycopy(places, 0, all, tile * perTile, perTile);
        }
        Tensor index = Tensor.ofInts(x.device(), all, all.length);
        return x.linear(matrix)
                .add(e.value(bias))
                .add(e.value(positions).indexSelect(0, index)); // (T P, D)
    }

    /// Learned positions of a tile's patches by the share of a side that lies before them, as
    /// transformers rounds it.
    ///
    /// @param side patches of a side
    int[] places(int side) {
        int learned = config.side();
        float[] borders = new float[learned - 1];
        double step = 1.0 / learned;
        for (int i = 0; i < borders.length; i++) {
            borders[i] = (float) (step + i * step);
        }
        float share = 1f / side;
        int[] buckets = new int[side];
        for (int i = 0; i < side; i++) {
            float before = Math.min(i * share, (float) (1 - 1e-6));
            int at = Arrays.binarySearch(borders, before);
            buckets[i] = at >= 0 ? at + 1 : -at - 1;
        }
        int[] places = new int[side * side];
        for (int i = 0; i < places.length; i++) {
            places[i] = buckets[i / side] * learned + buckets[i % side];
        }
        return places;
    }

    private Tensor attended(Layer layer, Tensor h, int tiles, Expression e) {
        long width = config.width();
        long heads = config.heads();
        long size = width / heads;
        long perTile = h.size(0) / tiles;
        Tensor y = e.of(layer.qkv(), h).reshape(tiles, perTile, 3, heads, size);
        Tensor q = byHead(y.select(2, 0)); // (T H, P, K)
        Tensor k = byHead(y.select(2, 1));
        Tensor v = byHead(y.select(2, 2));
        Tensor scores = q.bmm(k.transpose(1, 2)).mul(1 / Math.sqrt(size)); // (T H, P, P)
        Tensor shares = scores.to(DType.FLOAT32).softmax(Tensor.LAST).to(h.dtype());
        Tensor mixed = shares.bmm(v).reshape(tiles, heads, perTile, size).transpose(1, 2);
        return e.of(layer.output(), mixed.reshape(tiles * perTile, width));
    }

    /// @param x `(T, P, H, K)`
    private static Tensor byHead(Tensor x) {
        return x.transpose(1, 2).reshape(x.size(0) * x.size(2), x.size(1), x.size(3));
    }

    /// Puts the patches of each square side by side, row by row, and projects them.
    private Tensor projected(Tensor x, int tiles, Expression e) {
        Tensor h = last.apply(x, e::value);
        long side = Math.round(Math.sqrt(h.size(0) / (double) tiles));
        long s = config.shuffle();
        Tensor squares =
                h.reshape(tiles, side / s, s, side / s, s, config.width())
                        .permute(0, 1, 3, 2, 4, 5)
                        .reshape(h.size(0) / (s * s), config.projected());
        return e.of(projection, squares);
    }
}
