package org.attune.model.layer;

import org.attune.model.config.VisionConfig;
import org.attune.model.config.VisionEncoder;
import org.attune.model.config.VisionEncoder.Grid;
import org.attune.model.config.VisionEncoder.Positions;
import org.attune.tensor.Tensor;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// What the first block of an encoder reads of patches: a product with their pixels and, in some
/// families, learned positions, a learned vector in front of each tile and a norm.
///
/// Shapes: `T` tiles, `P` patches of one, `D` width.
final class PatchEmbedding {
    private final VisionEncoder config;
    private final Weight patches; // (D, channels, pixels, pixels)
    private final Optional<Weight> bias; // (D)
    private final Optional<Weight> classToken; // D numbers
    private final Optional<Weight> positions; // places · D numbers
    private final Optional<Norm> norm;

    PatchEmbedding(VisionConfig config, WeightLoader loader) {
        this.config = config.encoder();
        VisionEncoder.Patches read = this.config.patches();
        int width = this.config.width();
        String path = config.patches();
        patches = loader.weight(path + ".weight", shape(width, read));
        bias = read.bias() ? Optional.of(loader.weight(path + ".bias", width)) : Optional.empty();
        classToken =
                read.classToken()
                        ? Optional.of(loader.numbers(config.classToken(), width))
                        : Optional.empty();
        positions =
                this.config.positions().learned()
                        ? Optional.of(
                                loader.numbers(config.positions(), this.config.places() * width))
                        : Optional.empty();
        norm =
                read.norm()
                        ? Optional.of(loader.norm(this.config.norm(), config.firstNorm(), width))
                        : Optional.empty();
    }

    private static long[] shape(int width, VisionEncoder.Patches read) {
        long size = read.size();
        return read.times() == 0
                ? new long[] {width, read.channels(), size, size}
                : new long[] {width, read.channels(), read.times(), size, size};
    }

    Optional<Norm> norm() {
        return norm;
    }

    /// Weights beside the norm.
    List<Weight> others() {
        return Stream.of(Optional.of(patches), bias, positions, classToken)
                .flatMap(Optional::stream)
                .toList();
    }

    /// @param x pixels of patches, `(T P, channels · pixels · pixels)`
    /// @return `(T P, D)`, or with a class token `(T (1 + P), D)`
    Tensor apply(Tensor x, Grid grid, Expression e) {
        int width = config.width();
        Tensor y = x.linear(e.value(patches).reshape(width, x.size(1)));
        if (bias.isPresent()) {
            y = y.add(e.value(bias.get()));
        }
        if (classToken.isPresent()) {
            Tensor first = e.value(classToken.get()).reshape(1, 1, width);
            y =
                    Tensor.cat(
                                    1,
                                    first.expand(grid.tiles(), 1, width),
                                    y.reshape(grid.tiles(), grid.ofTile(), width))
                            .reshape((long) grid.tiles() * (grid.ofTile() + 1), width);
        }
        if (config.positions() instanceof Positions.Rotary && positions.isPresent()) {
            y = y.add(between(grid, e.value(positions.get())));
        } else if (positions.isPresent()) {
            int[] places = repeated(places(grid), grid.tiles());
            Tensor index = Tensor.ofInts(x.device(), places, places.length);
            Tensor table = e.value(positions.get()).reshape(config.places(), width);
            y = y.add(table.indexSelect(0, index));
        }
        return norm.isPresent() ? norm.get().apply(y, e::value) : y;
    }

    /// Vectors between those of the four learned places next to each patch's, `(T P, D)`.
    private Tensor between(Grid grid, Tensor table) {
        int learned = config.patches().side();
        int[] rows = grid.rowOfPatch();
        int[] columns = grid.columnOfPatch();
        int n = rows.length;
        Tensor sum = null;
        for (int corner = 0; corner < 4; corner++) {
            int[] places = new int[n];
            float[] weights = new float[n];
            for (int i = 0; i < n; i++) {
                float row = place(rows[i], grid.rows(), learned);
                float column = place(columns[i], grid.columns(), learned);
                int down = Math.min((int) row + corner / 2, learned - 1);
                int right = Math.min((int) column + corner % 2, learned - 1);
                places[i] = down * learned + right;
                weights[i] = share(row, corner / 2) * share(column, corner % 2);
            }
            int[] all = repeated(places, grid.tiles());
            Tensor index = Tensor.ofInts(table.device(), all, all.length);
            Tensor of = Tensor.of(table.device(), weights, 1, n, 1);
            Tensor part =
                    table.reshape(config.places(), config.width())
                            .indexSelect(0, index)
                            .reshape(grid.tiles(), n, config.width())
                            .mul(of);
            sum = sum == null ? part : sum.add(part);
        }
        return sum.reshape((long) grid.tiles() * n, config.width()).to(table.dtype());
    }

    /// A patch's place among the learned ones of a side, where the first and the last lie on the
    /// first and the last.
    private static float place(int at, int side, int learned) {
        return (float) at * (learned - 1) / Math.max(side - 1, 1);
    }

    private static float share(float place, int next) {
        float behind = place - (int) place;
        return next == 0 ? 1 - behind : behind;
    }

    private static int[] repeated(int[] places, int times) {
        int[] all = new int[places.length * times];
        for (int i = 0; i < times; i++) {
            System.arraycopy(places, 0, all, i * places.length, places.length);
        }
        return all;
    }

    /// Rows of the table of positions that a tile reads.
    private int[] places(Grid grid) {
        int learned = config.patches().side();
        int[] rows = grid.rowOfPatch();
        int[] columns = grid.columnOfPatch();
        boolean buckets = config.positions() instanceof Positions.Buckets;
        int first = config.patches().classToken() ? 1 : 0;
        int[] places = new int[first + rows.length];
        int[] byRow = buckets ? buckets(grid.rows(), learned) : null;
        int[] byColumn = buckets ? buckets(grid.columns(), learned) : null;
        for (int i = 0; i < rows.length; i++) {
            int row = buckets ? byRow[rows[i]] : rows[i];
            int column = buckets ? byColumn[columns[i]] : columns[i];
            places[first + i] = first + row * learned + column;
        }
        return places;
    }

    /// The learned place of each patch of a side by the share of the side that lies before it, as
    /// transformers rounds it.
    ///
    /// @param side patches of it
    /// @param learned places
    static int[] buckets(int side, int learned) {
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
        return buckets;
    }
}
