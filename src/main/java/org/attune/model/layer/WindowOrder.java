package org.attune.model.layer;

import org.attune.model.config.VisionEncoder.Grid;
import org.attune.tensor.Tensor;

import java.util.Arrays;

/// Squares of patches window by window, where blocks of an encoder see windows alone
/// ([Bai et al. 2025, §2.1](https://arxiv.org/abs/2502.13923)). Windows begin at a picture's first
/// square; those at its other ends are smaller.
///
/// @param squares where each square of the new order was
/// @param spans   patches of each window
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record WindowOrder(int[] squares, int[] spans) {
    /// @param side squares of a window's side
    static WindowOrder of(Grid grid, int side) {
        int rows = grid.rows() / grid.block();
        int columns = grid.columns() / grid.block();
        int ofTile = rows * columns;
        int[] squares = new int[grid.tiles() * ofTile];
        int[] spans = new int[squares.length];
        int windows = 0;
        int at = 0;
        for (int tile = 0; tile < grid.tiles(); tile++) {
            for (int top = 0; top < rows; top += side) {
                for (int left = 0; left < columns; left += side) {
                    int from = at;
                    for (int row = top; row < Math.min(top + side, rows); row++) {
                        for (int c = left; c < Math.min(left + side, columns); c++) {
                            squares[at++] = tile * ofTile + row * columns + c;
                        }
                    }
                    spans[windows++] = (at - from) * grid.block() * grid.block();
                }
            }
        }
        return new WindowOrder(squares, Arrays.copyOf(spans, windows));
    }

    /// Rows of patches in the new order.
    ///
    /// @param x `(N, …)`
    Tensor ordered(Tensor x) {
        int ofSquare = Math.toIntExact(x.size(0) / squares.length);
        int[] rows = new int[squares.length * ofSquare];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = squares[i / ofSquare] * ofSquare + i % ofSquare;
        }
        return x.indexSelect(0, Tensor.ofInts(x.device(), rows, rows.length));
    }

    /// Rows of squares in the order in which they were.
    ///
    /// @param x `(squares, …)`
    Tensor restored(Tensor x) {
        int[] rows = new int[squares.length];
        for (int i = 0; i < rows.length; i++) {
            rows[squares[i]] = i;
        }
        return x.indexSelect(0, Tensor.ofInts(x.device(), rows, rows.length));
    }
}
