package org.attune.model.pass;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Block;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.SelfAttention;
import org.attune.tensor.Tensor;

import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// Attention and its norms, forward and backward by hand. `N` rows, `D` width, `C` key/value heads,
/// `G` query heads per key/value head, `K` head size, `R` extra columns of adapters.
record AttentionHalf(Block.Norms norms, SelfAttention attention) implements BlockHalf {
    /// @param r statistics of the norm before, `(N, S)`, or null without one
    /// @param h what the projections read, and adapter columns, `(N, D + R)`
    /// @param attended what attention needs
    /// @param ox attention output, behind its gate, and adapter columns, `(N, CGK + R)`
    /// @param gated what the gate needs, or null without one
    /// @param out output before its norm, or null without one
    record Kept(Tensor r, Tensor h, Attended attended, Tensor ox, Gated gated, Normed out)
            implements BlockHalf.Kept {
        @Override
        public Stream<Tensor> tensors() {
            return Stream.of(
                            Stream.of(r, h, ox).filter(Objects::nonNull),
                            attended.all(),
                            Stream.ofNullable(gated)
                                    .flatMap(g -> Stream.of(g.gates(), g.ungated())),
                            Normed.tensors(out))
                    .flatMap(all -> all);
        }
    }

    /// A gate behind attention.
    ///
    /// @param gates before their `σ`, `(N, CGK)`
    /// @param ungated attention output, `(N, CGK)`
    record Gated(Tensor gates, Tensor ungated) {
        /// The gradient of the attention output.
        Tensor backward(Tensor dox) {
            return dox.mul(gates.sigmoid());
        }

        /// The gradient of the gates.
        Tensor gatesBackward(Tensor dox) {
            Tensor open = gates.sigmoid();
            return dox.mul(ungated).mulInPlace(open).mulInPlace(open.neg().add(1));
        }
    }

    @Override
    public long keptBytes(DecoderConfig c, long number) {
        long queries = (long) c.heads() * c.headDim();
        long keys = (long) c.kvHeads() * c.headDim();
        long heads = c.heads() + (long) c.kvHeads();
        long normed =
                attention.norms().isEmpty() ? 0 : number * (queries + keys) + Float.BYTES * heads;
        long gated = c.attention().gated() ? 2 * queries : 0;
        return number * (2 * queries + 2 * keys + gated)
                + Float.BYTES * (long) c.heads()
                + normed
                + BlockHalf.keptBytes(norms, attention.linears(), c.hiddenSize(), number);
    }

    private FusedLinear qkv() {
        return attention.qkv();
    }

    @Override
    public Result forward(Tensor from, Tensor residual, PassContext pass) {
        return forward(from, residual, Optional.empty(), pass);
    }

    @Override
    public Kept again(Tensor from, Tensor residual, PassContext pass) {
        Result result = forward(from, residual, pass);
        result.sum().close();
        return (Kept) result.kept();
    }

    /// @param kept what attention made, if that was kept
    Result forward(Tensor from, Tensor residual, Optional<KeptAttention> kept, PassContext pass) {
        Adapter adapter = pass.adapter();
        FusedLinear output = attention.output();
        Tensor h = BlockHalf.widened(from, qkv().in(), qkv().extra(adapter));
        Tensor r = BlockHalf.read(norms.before(), from, h, pass);
        boolean isGated = pass.config().attention().gated();
        Tensor all = isGated ? qkv().forward(h, adapter, pass.dropout()) : null;
        Supplier<Tensor> projections =
                () ->
                        isGated
                                ? HeadViews.withoutGates(all, pass.config())
                                : qkv().forward(h, adapter, pass.dropout());
        Tensor ox;
        Attended attended;
        if (kept.isPresent()) {
            ox = kept.get().ox();
            attended = pass.attendAgain(attention, projections, kept.get());
        } else {
            ox = BlockHalf.widened(from, output.in(), output.extra(adapter));
            attended = pass.attend(attention, projections, ox);
        }
        Gated gated = isGated ? gate(all, ox, kept, pass) : null;
        Put put = BlockHalf.put(norms.after(), output, ox, residual, pass);
        return new Result(put.sum(), new Kept(r, h, attended, ox, gated, put.normed()));
    }

    /// Multiplies attention output by the open part of its gates, unless that was kept.
    ///
    /// @param all projections with gates
    private Gated gate(Tensor all, Tensor ox, Optional<KeptAttention> kept, PassContext pass) {
        Tensor gates = HeadViews.gates(all, pass.config());
        all.close();
        if (kept.isPresent()) {
            return new Gated(gates, kept.get().ungated());
        }
        Tensor o = ox.narrow(1, 0, gates.size(1));
        Tensor ungated = o.copy();
        o.mulInPlace(gates.sigmoid());
        return new Gated(gates, ungated);
    }

    /// What [#forward] keeps: kept rows are taken over, the rest is computed again.
    Kept completed(KeptRows rows, PassContext pass) {
        Adapter adapter = pass.adapter();
        Tensor h = BlockHalf.widened(rows.x(), qkv().in(), qkv().extra(adapter));
        Tensor r = BlockHalf.read(norms.before(), rows.x(), h, pass);
        if (rows.qkv() != null) {
            qkv().reduce(h, adapter, pass.dropout());
        }
        return new Kept(r, h, attended(rows.qkv(), h, pass), rows.ox(), null, null);
    }

    /// What the backward pass needs of attention, from projections that were kept, or else are
    /// computed again.
    private Attended attended(Tensor qkv, Tensor h, PassContext pass) {
        if (qkv != null) {
            return new Attended.Joint(null, qkv, null);
        }
        Tensor y = qkv().forward(h, pass.adapter(), pass.dropout());
        return JointHeads.again(attention, y, null, pass);
    }

    @Override
    public Tensor backward(
            Tensor dSum, Tensor beside, Tensor from, BlockHalf.Kept kept, PassContext pass) {
        Kept own = (Kept) kept;
        Tensor dOut = BlockHalf.putBackward(norms.after(), dSum, own.out(), pass);
        Tensor dox = attention.output().backward(dOut, own.ox(), pass.dropout()); // (N, CGK)
        Gated gated = own.gated();
        Tensor dy = // (N, q + k + v)
                gated == null
                        ? pass.attendBackward(attention, own.ox(), dox, own.attended())
                        : HeadViews.withGates(
                                pass.attendBackward(
                                        attention,
                                        gated.ungated(),
                                        gated.backward(dox),
                                        own.attended()),
                                gated.gatesBackward(dox),
                                pass.config());
        dox.close();
        Tensor dh = qkv().backward(dy, own.h(), pass.dropout()); // (N, D)
        dy.close();
        return BlockHalf.readBackward(norms.before(), dh, from, own.r(), beside, pass);
    }
}
