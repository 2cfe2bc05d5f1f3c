package org.attune.model.layer;

import org.attune.images.ImagePipeline.Prepared;
import org.attune.tensor.Tensor;

/// Rows of a picture that was cut into tiles, line by line: those of the whole picture, then those
/// of the tiles as the picture lies in them, each line with a learned vector behind it
/// ([Liu et al. 2023, §3.4](https://arxiv.org/abs/2310.03744)). Where the lines
/// would be too many, fewer are made of them
/// ([Li et al. 2024, §3](https://arxiv.org/abs/2408.03326)). Of a picture that wasn't cut there are
/// the rows of the whole, with one such vector behind them.
///
/// Shapes: `T` tiles, the whole first, `P` features of one, `D` width.
///
/// @param side features of a tile's side
/// @param most tiles whose features stand as they are; 0: all
record PictureLines(int side, int most) {
    /// A place of a line or a column between two others, and the share of the second.
    private record Between(int first, int second, float share) {
        /// @param at   place among those that are made
        /// @param made how many are made
        /// @param of   how many there are
        static Between of(int at, int made, int of) {
            float place = Math.max(0, (at + 0.5f) * ((float) of / made) - 0.5f);
            int first = Math.min((int) place, of - 1);
            return new Between(first, Math.min(first + 1, of - 1), place - first);
        }

        int at(int corner) {
            return corner == 0 ? first : second;
        }

        float share(int corner) {
            return corner == 0 ? 1 - share : share;
        }
    }

    /// @param x       rows of the tiles, `(T P, D)`
    /// @param newline the vector behind a line, `D` numbers
    /// @return `(rows, D)`
    Tensor apply(Tensor x, Prepared picture, Tensor newline) {
        long width = x.size(1);
        Tensor end = newline.reshape(1, width).to(x.dtype());
        if (picture.grid()[2] == 0) {
            return Tensor.cat(0, x, end);
        }
        int[] lines = picture.lines(side, most);
        int rows = lines[2];
        int columns = lines[3];
        boolean all = rows == lines[0] && columns == lines[1];
        Tensor shown = all ? taken(x, places(picture, lines)) : fewer(x, picture, lines);
        Tensor inLines =
                Tensor.cat(
                                1,
                                shown.reshape(rows, columns, width),
                                end.reshape(1, 1, width).expand(rows, 1, width))
                        .reshape((long) rows * (columns + 1), width);
        return Tensor.cat(0, x.narrow(0, 0, (long) side * side), inLines);
    }

    private static Tensor taken(Tensor x, int[] places) {
        return x.indexSelect(0, Tensor.ofInts(x.device(), places, places.length));
    }

    /// Rows of `x` that hold the features of the picture, line by line.
    private int[] places(Prepared picture, int[] lines) {
        int[] places = new int[lines[0] * lines[1]];
        for (int i = 0; i < places.length; i++) {
            places[i] = place(picture, lines, i / lines[1], i % lines[1]);
        }
        return places;
    }

    private int place(Prepared picture, int[] lines, int row, int column) {
        int tilesAcross = picture.grid()[3];
        int down = (picture.grid()[2] * side - lines[0]) / 2 + row;
        int right = (tilesAcross * side - lines[1]) / 2 + column;
        int tile = 1 + down / side * tilesAcross + right / side;
        return (tile * side + down % side) * side + right % side;
    }

    /// Features between four others each, as if pixels were resized bilinearly.
    private Tensor fewer(Tensor x, Prepared picture, int[] lines) {
        int columns = lines[3];
        int count = lines[2] * columns;
        Tensor sum = null;
        for (int corner = 0; corner < 4; corner++) {
            int[] places = new int[count];
            float[] shares = new float[count];
            for (int i = 0; i < count; i++) {
                Between down = Between.of(i / columns, lines[2], lines[0]);
                Between right = Between.of(i % columns, columns, lines[1]);
                int row = down.at(corner / 2);
                places[i] = place(picture, lines, row, right.at(corner % 2));
                shares[i] = down.share(corner / 2) * right.share(corner % 2);
            }
            Tensor part = taken(x, places).mul(Tensor.of(x.device(), shares, count, 1));
            sum = sum == null ? part : sum.add(part);
        }
        return sum.to(x.dtype());
    }
}
