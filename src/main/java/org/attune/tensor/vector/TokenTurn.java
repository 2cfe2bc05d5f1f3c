package org.attune.tensor.vector;

import org.attune.tensor.vector.TokenStack.Attention;
import org.attune.tensor.vector.TokenStack.Delta;
import org.attune.tensor.vector.TokenStack.Experts;
import org.attune.tensor.vector.TokenStack.FeedForward;
import org.attune.tensor.vector.TokenStack.Layer;
import org.attune.tensor.vector.TokenStack.Linear;
import org.attune.tensor.vector.TokenStack.Mixer;
import org.attune.tensor.vector.TokenStack.Norms;
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
        Norms norms = layer.feedForwardNorms();
        switch (layer.feedForward()) {
            case FeedForward f -> feedForward(f, norms);
            case Experts e -> {
                read(place.x2(), norms.before(), e.router());
                new TokenExperts(e, work, products, thread, barrier.threads()).run(this::meet);
                products.eachRow(row -> add(row, norms.after(), place.x2(), place.out()));
            }
        }
    }

    private void feedForward(FeedForward f, Norms norms) {
        read(place.x2(), norms.before(), f.in());
        meet();
        int wide = f.in().wide();
        products.each(
                f.out().in() / wide,
                panel ->
                        products.gateUp(
                                f,
                                panel,
                                work.normed(),
                                work.rows(),
                                place.gateUp(),
                                work.activated()));
        meet();
        if (f.out().hasUpdate()) {
            products.reduce(f.out(), work.activated());
            keepReduced(f.out());
            meet();
        }
        put(f.out(), work.activated(), norms.after(), place.x2(), place.out());
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
            products.eachRow(row -> add(row, norm, residual, out));
        }
    }

    /// Adds a row that a part put out, normed or as it is, to the residual stream.
    ///
    /// @param norm weights, or 0
    private void add(int row, long norm, Rows residual, Rows out) {
        long y = work.put().at(row, 0);
        if (norm != 0) {
            norm(norm).forward(true, y, y, work.number(thread));
        }
        float scale = (float) stack.scale();
        PanelLoops.sum(y, scale, residual.at(row, 0), stack.width(), out.at(row, 0));
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
