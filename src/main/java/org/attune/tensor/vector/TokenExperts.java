package org.attune.tensor.vector;

import org.attune.tensor.vector.TokenStack.Experts;
import org.attune.tensor.vector.TokenStack.FeedForward;
import org.attune.tensor.vector.TokenStack.Linear;

import java.util.Arrays;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/// One thread's parts that a router chooses, in a run of a [TokenStack]. Rows are brought together
/// by part, so that a part's product is one product of the rows that chose it.
final class TokenExperts {
    private static final int FLOAT = Float.BYTES;
    private static final int HALF = Short.BYTES;

    /// Rows whose product takes as long as reading the weights does.
    private static final int READING = 8;

    private final Experts layer;
    private final TokenMemory work;
    private final TokenProducts products;
    private final int thread;
    private final int threads;
    private final int count; // of parts
    private final int[] starts; // of each part's places; the last is the end
    private final int[] places; // of the rows that parts were chosen for, `(B, k)`
    private int[] tokens = {}; // row of each place

    /// One panel of one part.
    private interface Body {
        void run(int part, int panel);
    }

    TokenExperts(Experts layer, TokenMemory work, TokenProducts products, int thread, int threads) {
        this.layer = layer;
        this.work = work;
        this.products = products;
        this.thread = thread;
        this.threads = threads;
        count = layer.parts().size();
        starts = new int[count + 1];
        places = new int[work.rows() * layer.chosen()];
    }

    /// Leaves what this thread's rows get where parts put out, [TokenMemory#put]. Rows are normed,
    /// with the columns of the router's adapter behind them.
    ///
    /// @param meet waits for the other threads
    void run(Runnable meet) {
        route();
        meet.run();
        sort();
        products.each(count, this::gather);
        meet.run();
        eachPanel(f -> f.out().in() / f.in().wide(), this::gateUp);
        meet.run();
        if (layer.parts().stream().anyMatch(f -> f.out().hasUpdate())) {
            products.each(count, this::reduce);
            meet.run();
        }
        eachPanel(f -> Panels.count(f.out().out()), this::down);
        meet.run();
        products.eachRow(this::weigh);
    }

    /// Chooses for this thread's rows.
    private void route() {
        int k = layer.chosen();
        int[] chosen = new int[k];
        float[] weights = new float[k];
        int experts = layer.router().out();
        float[] logits = logits(layer.router(), work.normed());
        int first = products.firstRow();
        for (int row = first; row < products.lastRow(); row++) {
            int from = (row - first) * experts;
            float[] own = Arrays.copyOfRange(logits, from, from + experts);
            layer.choice().choose(own, chosen, weights);
            for (int i = 0; i < k; i++) {
                work.chosen()[row * k + i] = chosen[i];
                work.weights()[row * k + i] = Vectors.round(weights[i]);
            }
        }
        if (layer.gate() != null) {
            openShared(layer.gate());
        } else {
            products.eachRow(row -> work.shares()[row] = 1);
        }
    }

    private void openShared(Linear gate) {
        products.eachRow(row -> copy(row, gate, work.mixed() + (long) row * gate.stride() * HALF));
        products.reduce(gate, work.mixed());
        float[] logits = logits(gate, work.mixed());
        products.eachRow(
                row -> {
                    float logit = logits[row - products.firstRow()];
                    work.shares()[row] = Vectors.round((float) (1 / (1 + Math.exp(-logit))));
                });
    }

    /// What this thread's rows are projected to, rounded.
    ///
    /// @param a input of the layer
    private float[] logits(Linear l, long a) {
        int first = products.firstRow();
        int rows = products.lastRow() - first;
        float[] logits = new float[rows * l.out()];
        if (rows == 0) {
            return logits;
        }
        Linear own = l.of(IntStream.range(first, products.lastRow()).toArray());
        long c = work.product(thread);
        for (int panel = 0; panel < Panels.count(l.out()); panel++) {
            products.product(own, panel, a + (long) first * l.stride() * HALF, rows, c);
            int wide = Panels.height(l.out(), panel);
            for (int i = 0; i < rows * wide; i++) {
                int column = panel * l.wide() + i % wide;
                float logit = Vectors.number(c + (long) i * FLOAT);
                logits[i / wide * l.out() + column] = Vectors.round(logit);
            }
        }
        return logits;
    }

    /// Finds each part's places.
    private void sort() {
        int k = layer.chosen();
        int shared = layer.hasShared() ? work.rows() : 0;
        int[] chosen = Arrays.copyOf(work.chosen(), places.length);
        for (int part : chosen) {
            starts[part + 1]++;
        }
        starts[count] += shared;
        for (int part = 0; part < count; part++) {
            starts[part + 1] += starts[part];
        }
        tokens = new int[starts[count]];
        int[] next = starts.clone();
        for (int i = 0; i < places.length; i++) {
            places[i] = next[chosen[i]]++;
            tokens[places[i]] = i / k;
        }
        for (int row = 0; row < shared; row++) {
            tokens[starts[count - 1] + row] = row;
        }
    }

    private int rows(int part) {
        return starts[part + 1] - starts[part];
    }

    private Linear of(int part, Linear l) {
        return l.of(Arrays.copyOfRange(tokens, starts[part], starts[part + 1]));
    }

    private FeedForward of(int part) {
        FeedForward f = layer.parts().get(part);
        return new FeedForward(of(part, f.in()), f.gelu(), of(part, f.out()));
    }

    private void gather(int part) {
        Linear in = of(part).in();
        long to = work.gathered(starts[part]);
        for (int i = 0; i < rows(part); i++) {
            copy(tokens[starts[part] + i], in, to + (long) i * in.stride() * HALF);
        }
        products.reduce(in, to, rows(part));
    }

    /// Copies what the router reads of a row.
    private void copy(int row, Linear to, long address) {
        long from = work.normed() + (long) row * layer.router().stride() * HALF;
        RowMoves.move(from, address, (long) to.in() * HALF);
    }

    private void gateUp(int part, int panel) {
        long in = work.gathered(starts[part]);
        products.gateUp(of(part), panel, in, rows(part), null, work.opened(starts[part]));
    }

    private void reduce(int part) {
        products.reduce(of(part).out(), work.opened(starts[part]), rows(part));
    }

    private void down(int part, int panel) {
        Linear out = of(part).out();
        long c = work.product(thread);
        products.product(out, panel, work.opened(starts[part]), rows(part), c);
        Rows to = work.apart();
        long first = to.at(starts[part], panel * out.wide());
        PanelLoops.round(c, rows(part), Panels.height(out.out(), panel), first, to.stride());
    }

    private void weigh(int row) {
        int k = layer.chosen();
        Rows put = work.apart();
        int width = layer.router().in();
        long y = work.put().at(row, 0);
        PanelLoops.sum(put, places, work.weights(), row * k, k, width, y);
        if (layer.hasShared()) {
            long own = put.at(starts[count - 1] + row, 0);
            PanelLoops.sum(own, work.shares()[row], y, width, y);
        }
    }

    /// Runs this thread's share of the panels of parts that rows chose, by the time that they take.
    private void eachPanel(ToIntFunction<FeedForward> panels, Body body) {
        long all = 0;
        for (int part = 0; part < count; part++) {
            all += (long) panels.applyAsInt(layer.parts().get(part)) * cost(part);
        }
        long first = all * thread / threads;
        long last = all * (thread + 1) / threads;
        long at = 0;
        for (int part = 0; part < count; part++) {
            int cost = cost(part);
            for (int p = 0; cost > 0 && p < panels.applyAsInt(layer.parts().get(part)); p++) {
                if (at >= first && at < last) {
                    body.run(part, p);
                }
                at += cost;
            }
        }
    }

    private int cost(int part) {
        return rows(part) == 0 ? 0 : TokenMemory.rounded(rows(part)) + READING;
    }
}
