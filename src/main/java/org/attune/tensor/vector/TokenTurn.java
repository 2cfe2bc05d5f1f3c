package org.attune.tensor.vector;

import org.attune.tensor.vector.TokenStack.Attention;
import org.attune.tensor.vector.TokenStack.Delta;
import org.attune.tensor.vector.TokenStack.FeedForward;
import org.attune.tensor.vector.TokenStack.Layer;
import org.attune.tensor.vector.TokenStack.Linear;
import org.attune.tensor.vector.TokenStack.Mixer;
import org.attune.tensor.vector.TokenStack.Place;

/// One thread's part of a run of a [TokenStack]: what it computes between two meetings with the
/// other threads needs nothing that they compute meanwhile.
final class TokenTurn {
    private static final int HALF = Short.BYTES;

    private final TokenStack stack;
    private final TokenMemory work;
    private final TokenHeads heads;
    private final SharedBeginnings beginnings;
    private final int thread;
    private final KernelThreads.Barrier barrier;
    private final TokenProducts products;
    private int meetings;
    private Place place;

    TokenTurn(
            TokenStack stack,
            TokenMemory work,
            SharedBeginnings beginnings,
            int[] lengths,
            int thread,
            KernelThreads.Barrier barrier) {
        this.stack = stack;
        this.work = work;
        this.beginnings = beginnings;
        this.thread = thread;
        this.barrier = barrier;
        products = new TokenProducts(work, thread, barrier.threads());
        heads = new TokenHeads(stack, work, beginnings, lengths, thread);
    }

    private void meet() {
        barrier.meet(++meetings);
    }

    /// @param x input of the block
    void run(Layer layer, Place place, Rows x) {
        this.place = place;
        mix(layer, x);
        feedForward(layer);
    }

    private void mix(Layer layer, Rows x) {
        Mixer mixer = layer.mixer();
        read(x, layer.mixerNorms().before(), mixer.in());
        if (mixer instanceof Delta d) {
            d.step().share(thread, barrier.threads(), work.shared());
        }
        meet();
        Rows projected = place.projected();
        int wide = mixer.in().wide();
        products.eachPanel(
                mixer.in(),
                panel -> {
                    products.product(mixer.in(), panel, work.normed(), work.product(thread));
                    long out = projected.at(0, panel * wide);
                    PanelLoops.round(
                            work.product(thread), work.rows(), wide, out, projected.stride());
                });
        meet();
        switch (mixer) {
            case Attention a -> attend(a, projected);
            case Delta d -> goOn(d, projected);
        }
        meet();
        if (mixer.out().hasUpdate()) {
            products.reduce(mixer.out(), work.mixed());
            keepMixed(mixer.out());
            meet();
        } else {
            keepMixed(mixer.out());
        }
        put(mixer.out(), work.mixed(), layer.mixerNorms().after(), x, place.x2());
    }

    private void attend(Attention a, Rows projected) {
        if (a.together()) {
            products.eachRow(row -> heads.normTogether(a, projected, row));
            meet();
        }
        int kvHeads = stack.shape().kvHeads();
        Rows out = mixed(a.out());
        products.each(
                work.rows() * kvHeads,
                item -> heads.attend(a, projected, item / kvHeads, item % kvHeads, out));
    }

    private Rows mixed(Linear out) {
        return new Rows(work.mixed(), (long) out.stride() * HALF, true);
    }

    private void goOn(Delta d, Rows projected) {
        DeltaStep step = d.step();
        DeltaStep.Token token = step.token(projected);
        Rows out = mixed(d.out());
        int keyHeads = step.keyHeads();
        products.each(
                work.rows() * keyHeads,
                item -> {
                    int row = item / keyHeads;
                    int slot = beginnings.own()[row];
                    step.run(
                            token,
                            d.states(),
                            row,
                            slot,
                            item % keyHeads,
                            out,
                            work.shared(),
                            work.mixing(thread));
                });
    }

    private void feedForward(Layer layer) {
        FeedForward f = layer.feedForward();
        read(place.x2(), layer.feedForwardNorms().before(), f.in());
        meet();
        int wide = f.in().wide();
        products.each(f.out().in() / wide, panel -> gateUp(f, panel));
        meet();
        if (f.out().hasUpdate()) {
            products.reduce(f.out(), work.activated());
            keepReduced(f.out());
            meet();
        }
        put(f.out(), work.activated(), layer.feedForwardNorms().after(), place.x2(), place.out());
    }

    private void gateUp(FeedForward f, int panel) {
        int inner = f.out().in();
        int wide = f.in().wide();
        long gates = work.product(thread);
        long ups = work.secondProduct(thread);
        products.product(f.in(), panel, work.normed(), gates);
        products.product(f.in(), panel + inner / wide, work.normed(), ups);
        Rows kept = place.gateUp();
        int column = panel * wide;
        if (kept != null) {
            PanelLoops.round(gates, work.rows(), wide, kept.at(0, column), kept.stride());
            long up = kept.at(0, inner + column);
            PanelLoops.round(ups, work.rows(), wide, up, kept.stride());
        }
        if (f.gelu()) {
            PanelLoops.openByGelu(gates, work.rows(), wide);
        } else {
            PanelLoops.open(gates, work.rows(), wide);
        }
        long rowBytes = (long) f.out().stride() * HALF;
        long out = work.activated() + (long) column * HALF;
        PanelLoops.gate(gates, ups, work.rows(), wide, out, rowBytes);
    }

    /// What a part reads: this thread's rows, normed or as they are, and the adapter's columns.
    ///
    /// @param norm weights, or 0
    private void read(Rows x, long norm, Linear before) {
        var kernel = norm(norm);
        products.eachRow(
                row -> {
                    long out = work.normed() + (long) row * before.stride() * HALF;
                    if (norm == 0) {
                        RowMoves.move(x.at(row, 0), out, (long) before.in() * HALF);
                    } else {
                        kernel.forward(true, x.at(row, 0), out, work.number(thread));
                    }
                });
        products.reduce(before, work.normed());
    }

    private NormKernel norm(long weights) {
        return new NormKernel(stack.width(), stack.epsilon(), stack.offset(), weights);
    }

    /// `out = a Wᵀ + … + residual`, or the product's norm plus the residual.
    ///
    /// @param norm weights, or 0
    private void put(Linear linear, long a, long norm, Rows residual, Rows out) {
        int wide = linear.wide();
        int rows = work.rows();
        long c = work.product(thread);
        products.eachPanel(
                linear,
                panel -> {
                    products.product(linear, panel, a, c);
                    int column = panel * wide;
                    if (norm != 0) {
                        long to = work.put().at(0, column);
                        PanelLoops.round(c, rows, wide, to, work.put().stride());
                        return;
                    }
                    if (stack.scale() != 1) {
                        PanelLoops.scale(c, (float) stack.scale(), rows * wide);
                    }
                    PanelLoops.roundSum(
                            c,
                            rows,
                            wide,
                            residual.at(0, column),
                            residual.stride(),
                            out.at(0, column),
                            out.stride());
                });
        meet();
        if (norm != 0) {
            var kernel = norm(norm);
            products.eachRow(
                    row -> {
                        long y = work.put().at(row, 0);
                        kernel.forward(true, y, y, work.number(thread));
                        float scale = (float) stack.scale();
                        long to = out.at(row, 0);
                        PanelLoops.sum(y, scale, residual.at(row, 0), stack.width(), to);
                    });
        }
    }

    private void keepMixed(Linear l) {
        if (place.attended() != null) {
            Rows from = mixed(l);
            products.eachRow(
                    row ->
                            RowMoves.move(
                                    from.at(row, 0),
                                    place.attended().at(row, 0),
                                    (long) l.depth() * HALF));
        }
    }

    private void keepReduced(Linear l) {
        if (place.reduced() != null) {
            var from = new Rows(work.activated(), (long) l.stride() * HALF, true);
            products.eachRow(
                    row ->
                            RowMoves.move(
                                    from.at(row, l.in()),
                                    place.reduced().at(row, 0),
                                    (long) l.rank() * HALF));
        }
    }
}
