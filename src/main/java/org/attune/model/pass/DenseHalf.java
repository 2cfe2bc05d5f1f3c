package org.attune.model.pass;

import static org.attune.model.pass.PassContext.Scratch.FIRST;
import static org.attune.model.pass.PassContext.Scratch.SECOND;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Block;
import org.attune.model.layer.FeedForward;
import org.attune.model.layer.FusedLinear;
import org.attune.tensor.Tensor;

import java.util.Objects;
import java.util.stream.Stream;

/// A feed-forward part of all tokens and its norms, forward and backward by hand. What is activated
/// is computed again instead of being kept. `N` rows, `D` width, `F` inner width, `U` columns of
/// what the first projection puts out, `R` extra columns of adapters.
record DenseHalf(Block.Norms norms, FeedForward.Dense part) implements BlockHalf {
    /// @param r statistics of the norm before, `(N, S)`, or null without one
    /// @param h what the part reads, and adapter columns, `(N, D + R)`
    /// @param y what the first projection put out, `(N, U)`
    /// @param downColumns adapter columns of the down projection, `(N, R)`, or null
    /// @param out output before its norm, or null without one
    record Kept(Tensor r, Tensor h, Tensor y, Tensor downColumns, Normed out)
            implements BlockHalf.Kept {
        @Override
        public Stream<Tensor> tensors() {
            return Stream.concat(
                    Stream.of(r, h, y, downColumns).filter(Objects::nonNull), Normed.tensors(out));
        }
    }

    @Override
    public long keptBytes(DecoderConfig c, long number) {
        return number * up().out()
                + BlockHalf.keptBytes(norms, part.linears(), c.hiddenSize(), number);
    }

    private FusedLinear up() {
        return part.up();
    }

    private FusedLinear down() {
        return part.down();
    }

    @Override
    public Result forward(Tensor from, Tensor residual, PassContext pass) {
        Kept begun = begun(from, pass);
        Tensor ax = activated(begun.y(), pass);
        Put put = BlockHalf.put(norms.after(), down(), ax, residual, pass);
        return new Result(put.sum(), with(begun, downColumns(ax, pass), put.normed()));
    }

    @Override
    public Kept again(Tensor from, Tensor residual, PassContext pass) {
        if (norms.after().isPresent()) {
            Result result = forward(from, residual, pass);
            result.sum().close();
            return (Kept) result.kept();
        }
        Kept begun = begun(from, pass);
        if (down().extra(pass.adapter()) == 0) {
            return begun;
        }
        Tensor ax = activated(begun.y(), pass);
        down().reduce(ax, pass.adapter(), pass.dropout());
        return with(begun, downColumns(ax, pass), null);
    }

    private Kept begun(Tensor from, PassContext pass) {
        Adapter adapter = pass.adapter();
        Tensor h = BlockHalf.widened(from, up().in(), up().extra(adapter));
        Tensor r = BlockHalf.read(norms.before(), from, h, pass);
        Tensor y = up().forward(h, adapter, pass.dropout()); // (N, U)
        return new Kept(r, h, y, null, null);
    }

    private static Kept with(Kept begun, Tensor columns, Normed out) {
        return new Kept(begun.r(), begun.h(), begun.y(), columns, out);
    }

    /// What [#forward] keeps: kept rows are taken over, the rest is computed again.
    Kept completed(KeptRows rows, PassContext pass) {
        Tensor h = BlockHalf.widened(rows.x(), up().in(), up().extra(pass.adapter()));
        Tensor r = BlockHalf.read(norms.before(), rows.x2(), h, pass);
        up().reduce(h, pass.adapter(), pass.dropout());
        return new Kept(r, h, rows.gateUp(), rows.downColumns(), null);
    }

    /// Input of the down projection, `(N, F + R)`; the adapter's columns are not filled yet.
    private Tensor activated(Tensor y, PassContext pass) {
        long columns = down().in() + (long) down().extra(pass.adapter());
        Tensor ax = pass.scratchRows(FIRST, columns);
        part.activate(y, () -> pass.scratch(SECOND, down().in()), ax);
        return ax;
    }

    /// Copies the adapter's columns of the down projection's filled input, `(N, R)`, or null
    /// without an adapter.
    private Tensor downColumns(Tensor ax, PassContext pass) {
        int columns = down().extra(pass.adapter());
        return columns == 0 ? null : ax.narrow(1, down().in(), columns).copy();
    }

    /// Leaves the gradient of the first projection's output in its place.
    @Override
    public Tensor backward(
            Tensor dSum, Tensor beside, Tensor from, BlockHalf.Kept kept, PassContext pass) {
        Kept own = (Kept) kept;
        int inner = down().in();
        Tensor ax = activated(own.y(), pass);
        if (own.downColumns() != null) {
            ax.narrow(1, inner, own.downColumns().size(1)).copyInPlace(own.downColumns());
        }
        Tensor dOut = BlockHalf.putBackward(norms.after(), dSum, own.out(), pass);
        Tensor da = down().backward(dOut, ax, pass.dropout()); // (N, F)
        // The input has done its service.
        part.activateBackward(da, own.y(), () -> pass.scratch(SECOND, inner), ax);
        da.close();
        Tensor dh = up().backward(own.y(), own.h(), pass.dropout()); // (N, D)
        return BlockHalf.readBackward(norms.before(), dh, from, own.r(), beside, pass);
    }
}
