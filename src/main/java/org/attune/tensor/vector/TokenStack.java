package org.attune.tensor.vector;

import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.Stream;

/// All blocks of a decoder for one new token of each of several sequences, as one piece of work in
/// bfloat16. Threads share each product's panels, meet, and go on. Nothing is handed over between
/// calls, and a product's result is used while it is in the cache. Weights come from memory at its
/// full speed.
///
/// `B` sequences, `D` width, `C` key/value heads, `G` query heads of each, `K` head size, `F` inner
/// width, `R` columns of an adapter. Rows may be of several adapters.
public final class TokenStack {
    /// Most sequences: of more, products are as fast one by one.
    public static final int MOST_ROWS = 256;

    private static final int ROUND = 8;
    private static final int FLOAT = Float.BYTES;
    private static final int HALF = Short.BYTES;
    private static final int LINE = 64; // of the cache

    /// A layer `y = [x | x A] [W | B]ᵀ + b`.
    ///
    /// @param in a multiple of 32
    /// @param out likewise
    /// @param panels of `[W | B]`, see [Panels]
    /// @param columns of the panels, ≥ `in + R`
    /// @param bias bfloat16 `(out)`, or 0: none
    /// @param rank `R`, even; 0 without an adapter
    /// @param reduce panels of `Aᵀ`, `(R, in)`
    /// @param updates of rows by other adapters
    /// @param stride columns of the input in memory: `in` and the most of an adapter
    public record Linear(
            int in,
            int out,
            long panels,
            int columns,
            long bias,
            int rank,
            long reduce,
            List<Update> updates,
            int stride) {
        /// Rows of a panel.
        int wide() {
            return Panels.wide(out);
        }

        /// Columns that are multiplied.
        int depth() {
            return in + rank;
        }

        boolean hasUpdate() {
            return stride > in;
        }
    }

    /// What an adapter adds to some rows, `x A B`, and what it multiplies the sums by, in float32.
    ///
    /// @param first of the rows
    /// @param count of the rows
    /// @param rank `R`, even
    /// @param reduce panels of `Aᵀ`, `(R, in)`
    /// @param expand panels of `Bᵀ`, `(out, R)`
    /// @param factor float32 `(out)`, or 0: 1
    public record Update(int first, int count, int rank, long reduce, long expand, long factor) {}

    /// A block.
    ///
    /// @param inputNorm weights
    /// @param queryNorm weights of the norm of each head's queries, or 0: none
    /// @param keyNorm likewise
    /// @param window as of [DecodeKernel]
    public record Layer(
            long inputNorm,
            Linear qkv,
            long queryNorm,
            long keyNorm,
            Linear output,
            long postNorm,
            Linear gateUp,
            Linear down,
            int window) {}

    /// Where a block's rows go, `B` of each.
    ///
    /// @param qkv rotated, `(B, (CG + 2C) K)`
    /// @param attended attention output and the adapter's columns, or null: not wanted
    /// @param x2 after attention, `(B, D)`
    /// @param gateUp `(B, 2F)`, or null: not wanted
    /// @param reduced the adapter's columns of the down projection, or null: not wanted
    /// @param out of the block, `(B, D)`
    public record Place(Rows qkv, Rows attended, Rows x2, Rows gateUp, Rows reduced, Rows out) {}

    private final AttentionShape shape;
    private final double epsilon;
    private final List<Layer> layers;
    private final int width;
    private final int inner;
    private final int most; // columns of a layer's input
    private final int ranks; // most of an adapter, in whole vectors

    /// @param epsilon of all norms
    public TokenStack(AttentionShape shape, double epsilon, List<Layer> layers) {
        this.shape = shape;
        this.epsilon = epsilon;
        this.layers = List.copyOf(layers);
        Layer first = layers.getFirst();
        width = first.qkv().in();
        inner = first.down().in();
        most = linears().mapToInt(Linear::stride).max().orElse(0);
        ranks = linears().mapToInt(l -> wide(l.stride() - l.in())).max().orElse(0);
    }

    private Stream<Linear> linears() {
        return layers.stream().flatMap(l -> Stream.of(l.qkv(), l.output(), l.gateUp(), l.down()));
    }

    /// `R` in whole vectors.
    private static int wide(int rank) {
        return (rank + Vectors.LANES - 1) / Vectors.LANES * Vectors.LANES;
    }

    private static int rounded(int rows) {
        return (rows + ROUND - 1) / ROUND * ROUND;
    }

    private static int rowsOfThread(int rows, int threads) {
        return rounded((rows + threads - 1) / threads);
    }

    private static int rowsInMemory(int rows, int threads) {
        return Math.max(rounded(rows), threads * rowsOfThread(rows, threads)) + ROUND;
    }

    /// Bytes to work in.
    ///
    /// @param rows `B`
    /// @param longest most tokens of a sequence, the new one included
    public long workBytes(int rows, int longest, int threads) {
        return new Work(rows, longest, threads, 0).end;
    }

    /// Memory of a run. Buffers have rows to spare, so that products have few sizes.
    private final class Work {
        final int rows;
        final int padded; // rows of products
        final int longest;
        final long h; // (B, D + R)
        final long attended; // (B, CGK + R)
        final long activated; // (B, F + R)
        private final long threads; // what each has for itself
        private final long own;
        private final long attention;
        final long end;

        Work(int rows, int longest, int threads, long memory) {
            this.rows = rows;
            this.longest = longest;
            padded = rounded(rows);
            long count = rowsInMemory(rows, threads);
            h = memory;
            attended = h + count * most * HALF;
            activated = attended + count * most * HALF;
            this.threads = activated + count * most * HALF;
            attention = new DecodeKernel(shape, 0).workBytes(longest, 1);
            own = 3L * padded * Panels.MOST_WIDE * FLOAT + count * ranks * FLOAT + attention + LINE;
            end = this.threads + threads * own;
        }

        long product(int thread) {
            return threads + thread * own;
        }

        long secondProduct(int thread) {
            return product(thread) + (long) padded * Panels.MOST_WIDE * FLOAT;
        }

        long update(int thread) {
            return secondProduct(thread) + (long) padded * Panels.MOST_WIDE * FLOAT;
        }

        long reducing(int thread) {
            return update(thread) + (long) padded * Panels.MOST_WIDE * FLOAT;
        }

        long attention(int thread) {
            return number(thread) - attention;
        }

        long number(int thread) {
            return threads + (thread + 1) * own - LINE;
        }
    }

    /// @param x input of the first block, `(B, D)`
    /// @param places where each block's rows go
    /// @param caches of each block, as [DecodeKernel#attend] is given them
    /// @param rotary of the rows
    /// @param lengths tokens that are in the cache already, `(B)`
    /// @param memory of [#workBytes]
    public void run(
            Rows x,
            List<Place> places,
            List<CacheRows> caches,
            SharedBeginnings beginnings,
            RotaryKernel rotary,
            int[] lengths,
            long memory,
            int threads) {
        int longest = 0;
        for (int length : lengths) {
            longest = Math.max(longest, length + 1);
        }
        var work = new Work(lengths.length, longest, threads, memory);
        KernelThreads.together(
                threads,
                (thread, barrier) -> {
                    var mine = new Turn(work, thread, barrier);
                    Rows in = x;
                    for (int i = 0; i < layers.size(); i++) {
                        mine.layer = layers.get(i);
                        mine.place = places.get(i);
                        mine.attention(in, caches.get(i), beginnings, rotary, lengths);
                        mine.feedForward();
                        in = mine.place.out();
                    }
                    TileProduct.release();
                });
    }

    /// One thread's part of a run.
    private final class Turn {
        private final Work work;
        private final int thread;
        private final KernelThreads.Barrier barrier;
        private final int firstRow;
        private final int lastRow;
        private final int mostRows;
        private int meetings;
        private Layer layer;
        private Place place;

        Turn(Work work, int thread, KernelThreads.Barrier barrier) {
            this.work = work;
            this.thread = thread;
            this.barrier = barrier;
            mostRows = rowsOfThread(work.rows, barrier.threads());
            firstRow = Math.min(work.rows, thread * mostRows);
            lastRow = Math.min(work.rows, firstRow + mostRows);
        }

        private void meet() {
            barrier.meet(++meetings);
        }

        void attention(
                Rows x,
                CacheRows cache,
                SharedBeginnings beginnings,
                RotaryKernel rotary,
                int[] lengths) {
            norm(x, layer.inputNorm(), layer.qkv());
            reduce(layer.qkv(), work.h);
            meet();
            Rows qkv = place.qkv();
            int wide = layer.qkv().wide();
            eachPanel(
                    layer.qkv().out() / wide,
                    panel -> {
                        product(layer.qkv(), panel, work.h, work.product(thread));
                        long out = qkv.at(0, panel * wide);
                        PanelLoops.round(work.product(thread), work.rows, wide, out, qkv.stride());
                    });
            meet();
            attend(qkv, cache, beginnings, rotary, lengths);
            meet();
            if (layer.output().hasUpdate()) {
                reduce(layer.output(), work.attended);
                keepAttended();
                meet();
            } else {
                keepAttended();
            }
            addOutput(layer.output(), work.attended, x, place.x2());
            meet();
        }

        void feedForward() {
            norm(place.x2(), layer.postNorm(), layer.gateUp());
            reduce(layer.gateUp(), work.h);
            meet();
            eachPanel(inner / layer.gateUp().wide(), this::gateUp);
            meet();
            if (layer.down().hasUpdate()) {
                reduce(layer.down(), work.activated);
                keepReduced();
                meet();
            }
            addOutput(layer.down(), work.activated, place.x2(), place.out());
            meet();
        }

        private void gateUp(int panel) {
            int wide = layer.gateUp().wide();
            long gates = work.product(thread);
            long ups = work.secondProduct(thread);
            product(layer.gateUp(), panel, work.h, gates);
            product(layer.gateUp(), panel + inner / wide, work.h, ups);
            Rows kept = place.gateUp();
            int column = panel * wide;
            if (kept != null) {
                PanelLoops.round(gates, work.rows, wide, kept.at(0, column), kept.stride());
                long up = kept.at(0, inner + column);
                PanelLoops.round(ups, work.rows, wide, up, kept.stride());
            }
            PanelLoops.open(gates, work.rows, wide);
            long rowBytes = (long) layer.down().stride() * HALF;
            long out = work.activated + (long) column * HALF;
            PanelLoops.gate(gates, ups, work.rows, wide, out, rowBytes);
        }

        /// `out = a Wᵀ + … + residual`.
        private void addOutput(Linear linear, long a, Rows residual, Rows out) {
            int wide = linear.wide();
            eachPanel(
                    linear.out() / wide,
                    panel -> {
                        product(linear, panel, a, work.product(thread));
                        int column = panel * wide;
                        PanelLoops.roundSum(
                                work.product(thread),
                                work.rows,
                                wide,
                                residual.at(0, column),
                                residual.stride(),
                                out.at(0, column),
                                out.stride());
                    });
        }

        private void eachPanel(int panels, IntConsumer work) {
            int threads = barrier.threads();
            for (int p = panels * thread / threads; p < panels * (thread + 1) / threads; p++) {
                work.accept(p);
            }
        }

        /// Multiplies all rows by a panel, float32.
        private void product(Linear l, int panel, long a, long c) {
            int n = l.wide();
            long w = Panels.at(l.panels(), panel, n, l.columns());
            int k = l.depth();
            TileProduct.multiply(work.padded, n, k, l.stride(), n, n, false, a, w, c);
            for (Update u : l.updates()) {
                add(l, u, panel, a, c);
            }
            if (l.bias() != 0) {
                PanelLoops.add(c, work.rows, n, l.bias() + (long) panel * n * HALF);
            }
        }

        /// Adds what an adapter makes of its rows. Rows behind them are multiplied too, up to a
        /// round number, and left out: so products have few sizes, and each row the same sum in any
        /// company.
        private void add(Linear l, Update u, int panel, long a, long c) {
            int n = l.wide();
            long from = a + ((long) u.first() * l.stride() + l.in()) * HALF;
            long w = Panels.at(u.expand(), panel, n, u.rank());
            long own = work.update(thread);
            TileProduct.multiply(
                    rounded(u.count()), n, u.rank(), l.stride(), n, n, false, from, w, own);
            long sum = c + (long) u.first() * n * FLOAT;
            PanelLoops.addTo(own, u.count(), n, 1, sum, (long) n * FLOAT);
            if (u.factor() != 0) {
                PanelLoops.multiply(sum, u.count(), n, u.factor() + (long) panel * n * FLOAT);
            }
        }

        /// What adapters make of this thread's rows.
        private void reduce(Linear l, long a) {
            if (l.rank() > 0) {
                reduce(l, a, firstRow, lastRow, mostRows, l.rank(), l.reduce());
            }
            for (Update u : l.updates()) {
                int first = Math.max(firstRow, u.first());
                int end = Math.min(lastRow, u.first() + u.count());
                reduce(l, a, first, end, rounded(end - first), u.rank(), u.reduce());
            }
        }

        /// @param count rows that are multiplied, some behind the end among them
        /// @param reduce panels of the first matrix
        private void reduce(
                Linear l, long a, int first, int end, int count, int rank, long reduce) {
            if (first >= end) {
                return;
            }
            int u = wide(rank);
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

        private void norm(Rows x, long weights, Linear before) {
            var norm = new NormKernel(width, epsilon, 0, weights);
            for (int row = firstRow; row < lastRow; row++) {
                long out = work.h + (long) row * before.stride() * HALF;
                norm.forward(true, x.at(row, 0), out, work.number(thread));
            }
        }

        private void attend(
                Rows qkv,
                CacheRows cache,
                SharedBeginnings beginnings,
                RotaryKernel rotary,
                int[] lengths) {
            var kernel = new DecodeKernel(shape, layer.window());
            var out = new Rows(work.attended, (long) layer.output().stride() * HALF, true);
            long scores = DecodeKernel.scoreBytes(work.longest);
            int items = work.rows * shape.kvHeads();
            int threads = barrier.threads();
            for (int i = items * thread / threads; i < items * (thread + 1) / threads; i++) {
                int row = i / shape.kvHeads();
                int head = i % shape.kvHeads();
                rotate(qkv, rotary, row, head);
                kernel.attend(
                        qkv,
                        cache,
                        beginnings,
                        row,
                        head,
                        lengths[row],
                        out,
                        work.attention(thread),
                        scores);
            }
        }

        private void rotate(Rows qkv, RotaryKernel rotary, int row, int head) {
            for (int g = 0; g < shape.groups(); g++) {
                int column = shape.queries(head) + g * shape.headDim();
                normHead(qkv.at(row, column), layer.queryNorm());
                rotary.rotate(qkv, row, column, rotary.scale(), false);
            }
            normHead(qkv.at(row, shape.keys(head)), layer.keyNorm());
            rotary.rotate(qkv, row, shape.keys(head), 1, false);
        }

        private void normHead(long head, long weights) {
            if (weights != 0) {
                new NormKernel(shape.headDim(), epsilon, 0, weights)
                        .forward(true, head, head, work.number(thread));
            }
        }

        private void keepAttended() {
            Linear l = layer.output();
            for (int row = firstRow; place.attended() != null && row < lastRow; row++) {
                long from = work.attended + (long) row * l.stride() * HALF;
                RowMoves.move(from, place.attended().at(row, 0), (long) l.depth() * HALF);
            }
        }

        private void keepReduced() {
            Linear l = layer.down();
            for (int row = firstRow; place.reduced() != null && row < lastRow; row++) {
                long from = work.activated + ((long) row * l.stride() + l.in()) * HALF;
                RowMoves.move(from, place.reduced().at(row, 0), (long) l.rank() * HALF);
            }
        }
    }
}
