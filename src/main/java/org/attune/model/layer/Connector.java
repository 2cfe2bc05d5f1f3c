package org.attune.model.layer;

import org.attune.model.config.VisionConfig;
import org.attune.model.config.VisionConfig.Connector.Linear;
import org.attune.model.config.VisionConfig.Connector.NormAt;
import org.attune.model.config.VisionEncoder.Grid;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// What makes rows of the decoder of an encoder's patches: [VisionConfig.Connector] with its
/// weights.
///
/// Shapes: `T` tiles, `P` patches of one, `S` patches of a side of a joined square, `D` features of
/// a patch.
final class Connector {
    private final VisionConfig.Connector config;
    private final Optional<Norm> before;
    private final Optional<Norm> behind;
    private final List<FusedLinear> linears = new ArrayList<>();
    private final List<Weight> matrices = new ArrayList<>();

    /// @param out width of the decoder
    Connector(VisionConfig.Connector config, WeightLoader loader, int out) {
        this.config = config;
        before = config.before().map(n -> norm(n, loader));
        behind = config.behind().map(n -> norm(n, loader));
        for (Linear l : config.linears()) {
            if (l.matrix()) {
                matrices.add(loader.weight(l.path(), l.in(out), l.out(out)));
                continue;
            }
            int dot = l.path().lastIndexOf('.') + 1;
            String module = l.path().substring(0, dot);
            List<String> name = List.of(l.path().substring(dot));
            linears.add(loader.linear(l.in(out), l.bias(), module, name, l.out(out)));
        }
    }

    private static Norm norm(NormAt at, WeightLoader loader) {
        return loader.norm(at.kind(), at.path(), at.width());
    }

    List<FusedLinear> linears() {
        return linears;
    }

    List<Norm> norms() {
        return Stream.of(before, behind).flatMap(Optional::stream).toList();
    }

    List<Weight> others() {
        return matrices;
    }

    /// @param x `(T P, D)`
    /// @return `(T P / S², width)`
    Tensor apply(Tensor x, Grid grid, Expression e) {
        Tensor h = before.isPresent() ? before.get().apply(x, e::value) : x;
        h = joined(h, grid);
        h = behind.isPresent() ? behind.get().apply(h, e::value) : h;
        int module = 0;
        int matrix = 0;
        for (Linear l : config.linears()) {
            h = l.activated() ? FeedForward.activated(config.activation(), h) : h;
            h = l.matrix() ? h.mm(e.value(matrices.get(matrix++))) : e.of(linears.get(module++), h);
        }
        return h;
    }

    /// The patches of each square as one, row by row.
    private Tensor joined(Tensor h, Grid grid) {
        int s = config.side();
        if (s == 1) {
            return h;
        }
        long width = h.size(1);
        long squares = h.size(0) / ((long) s * s);
        Tensor x = h; // (squares, S², D)
        if (grid.block() != s) {
            x =
                    h.reshape(grid.tiles(), grid.rows() / s, s, grid.columns() / s, s, width)
                            .permute(0, 1, 3, 2, 4, 5);
        }
        x = x.reshape(squares, (long) s * s, width);
        return switch (config.join()) {
            case PATCHES -> x.reshape(squares, (long) s * s * width);
            case FEATURES -> x.transpose(1, 2).reshape(squares, (long) s * s * width);
            case MEAN -> x.mean(1, false);
        };
    }
}
