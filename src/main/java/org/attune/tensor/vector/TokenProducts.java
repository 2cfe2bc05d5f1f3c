package org.attune.tensor.vector;

import org.attune.tensor.vector.TokenStack.FeedForward;
import org.attune.tensor.vector.TokenStack.Linear;
import org.attune.tensor.vector.TokenStack.Update;

import java.util.function.IntConsumer;

/// One thread's products in a run of a [TokenStack].
final class TokenProducts {
    private static final int FLOAT = Float.BYTES;
    private static final int HALF = Short.BYTES;

    private final TokenMemory work;
    private final int thread;
    private final int threads;
    private final int firstRow;
    private final int lastRow;

    TokenProducts(TokenMemory work, int thread, int threads) {
        this.work = work;
        this.thread = thread;
        this.threads = threads;
        firstRow = Math.min(work.rows(), thread * most());
        lastRow = Math.min(work.rows(), firstRow + most());
    }

    private int most() {
        return TokenMemory.rounded((work.rows() + threads - 1) / threads);
    }

    int firstRow() {
        return firstRow;
    }

    /// The row behind this thread's last.
    int lastRow() {
        return lastRow;
    }

    /// Runs this thread's share of some items.
    void each(int items, IntConsumer body) {
        for (int i = items * thread / threads; i < items * (thread + 1) / threads; i++) {
            body.accept(i);
        }
    }

    /// Runs this thread's rows.
    void eachRow(IntConsumer body) {
        for (int row = firstRow; row < lastRow; row++) {
            body.accept(row);
        }
    }

    /// Runs this thread's panels of a layer.
    void eachPanel(Linear linear, IntConsumer body) {
        each(Panels.count(linear.out()), body);
    }

    /// Multiplies all rows by a panel, float32.
    ///
    /// @param a the layer's input
    void product(Linear l, int panel, long a, long c) {
        product(l, panel, a, work.rows(), c);
    }

    /// Multiplies some rows by a panel, float32.
    ///
    /// @param a the layer's input
    void product(Linear l, int panel, long a, int rows, long c) {
        int n = Panels.height(l.out(), panel);
        long w = Panels.at(l.panels(), panel, l.wide(), l.columns());
        int k = l.depth();
        int padded = TokenMemory.rounded(rows);
        TileProduct.multiply(padded, n, k, l.stride(), n, n, false, a, w, c);
        for (Update u : l.updates()) {
            add(l, u, panel, a, c);
        }
        if (l.bias() != 0) {
            PanelLoops.add(c, rows, n, l.bias() + (long) panel * l.wide() * HALF);
        }
    }

    /// Multiplies rows by a panel of gates and one of what they open, and opens these.
    ///
    /// @param a the part's input
    /// @param kept where both products go, or null
    /// @param opened written, as the part's second layer reads it
    void gateUp(FeedForward f, int panel, long a, int rows, Rows kept, long opened) {
        int inner = f.out().in();
        int wide = f.in().wide();
        long gates = work.product(thread);
        long ups = work.secondProduct(thread);
        product(f.in(), panel, a, rows, gates);
        product(f.in(), panel + inner / wide, a, rows, ups);
        int column = panel * wide;
        if (kept != null) {
            PanelLoops.round(gates, rows, wide, kept.at(0, column), kept.stride());
            PanelLoops.round(ups, rows, wide, kept.at(0, inner + column), kept.stride());
        }
        if (f.gelu()) {
            PanelLoops.openByGelu(gates, rows, wide);
        } else {
            PanelLoops.open(gates, rows, wide);
        }
        long rowBytes = (long) f.out().stride() * HALF;
        PanelLoops.gate(gates, ups, rows, wide, opened + (long) column * HALF, rowBytes);
    }

    /// Adds what an adapter makes of its rows. Rows behind them are multiplied too, up to a
    /// round number, and left out: so products have few sizes, and each row the same sum in any
    /// company.
    private void add(Linear l, Update u, int panel, long a, long c) {
        int n = Panels.height(l.out(), panel);
        long from = a + ((long) u.first() * l.stride() + l.in()) * HALF;
        long w = Panels.at(u.expand(), panel, l.wide(), u.rank());
        long own = work.update(thread);
        int rows = TokenMemory.rounded(u.count());
        TileProduct.multiply(rows, n, u.rank(), l.stride(), n, n, false, from, w, own);
        long sum = c + (long) u.first() * n * FLOAT;
        PanelLoops.addTo(own, u.count(), n, 1, sum, (long) n * FLOAT);
        if (u.factor() != 0) {
            PanelLoops.multiply(sum, u.count(), n, u.factor() + (long) panel * l.wide() * FLOAT);
        }
    }

    /// What adapters make of this thread's rows, behind them.
    ///
    /// @param a the layer's input
    void reduce(Linear l, long a) {
        reduce(l, a, firstRow, lastRow, most());
    }

    /// What adapters make of rows, behind them.
    ///
    /// @param a the layer's input
    void reduce(Linear l, long a, int rows) {
        reduce(l, a, 0, rows, TokenMemory.rounded(rows));
    }

    private void reduce(Linear l, long a, int from, int to, int padded) {
        if (l.rank() > 0) {
            reduce(l, a, from, to, padded, l.rank(), l.reduce());
        }
        for (Update u : l.updates()) {
            int first = Math.max(from, u.first());
            int end = Math.min(to, u.first() + u.count());
            int count = TokenMemory.rounded(end - first);
            reduce(l, a, first, end, count, u.rank(), u.reduce());
        }
    }

    /// @param count rows that are multiplied, some behind the end among them
    /// @param reduce panels of the first matrix
    private void reduce(Linear l, long a, int first, int end, int count, int rank, long reduce) {
        if (first >= end) {
            return;
        }
        int u = TokenMemory.wide(rank);
        long c = work.reducing(thread);
        int k = l.stride();
        long rows = a + (long) first * k * HALF;
        int wide = Panels.wide(rank);
        for (int p = 0; p < Panels.count(rank); p++) {
            int height = Panels.height(rank, p);
            long a1 = Panels.at(reduce, p, wide, l.in());
            long to = c + (long) p * wide * FLOAT;
            TileProduct.multiply(count, height, l.in(), k, height, u, false, rows, a1, to);
        }
        for (int row = first; row < end; row++) {
            long from = c + (long) (row - first) * u * FLOAT;
            PanelLoops.roundSome(from, rank, a + ((long) row * k + l.in()) * HALF);
        }
    }
}
