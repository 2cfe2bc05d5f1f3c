package org.attune.model.pass;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Block;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.StateMixer;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/// A mixer with a state and its norms. The projections go forward and backward by hand, and what
/// stands between them too, where it is written; else it runs in ordinary operators with autograd,
/// again in the backward pass. `N` rows, `D` width, `P` columns of what is projected to, `O` of
/// what is projected back, `R` extra columns of adapters.
record StateHalf(Block block, StateMixer mixer) implements BlockHalf {
    /// @param r statistics of the norm before, `(N, S)`, or null without one
    /// @param h what the projections read, and adapter columns, `(N, D + R)`
    /// @param y what they put out, `(N, P)`
    /// @param between what stands between them keeps, nothing if it isn't written by hand
    /// @param ox what is projected back, and adapter columns, `(N, O + R)`
    /// @param out output before its norm, or null without one
    record Kept(Tensor r, Tensor h, Tensor y, List<Tensor> between, Tensor ox, Normed out)
            implements BlockHalf.Kept {
        @Override
        public Stream<Tensor> tensors() {
            return Stream.of(
                            Stream.of(r, h, y, ox).filter(Objects::nonNull),
                            between.stream(),
                            Normed.tensors(out))
                    .flatMap(all -> all);
        }
    }

    private Block.Norms norms() {
        return block.mixerNorms();
    }

    @Override
    public long keptBytes(DecoderConfig c, long number) {
        return number * ((long) mixer.in().out() + mixer.out().in())
                + mixer.keptBytes()
                + BlockHalf.keptBytes(norms(), mixer.linears(), c.hiddenSize(), number);
    }

    @Override
    public Result forward(Tensor from, Tensor residual, PassContext pass) {
        Adapter adapter = pass.adapter();
        FusedLinear in = mixer.in();
        FusedLinear out = mixer.out();
        Tensor h = BlockHalf.widened(from, in.in(), in.extra(adapter));
        Tensor r = read(from, h, pass);
        Tensor y = in.forward(h, adapter, pass.dropout());
        Tensor ox = BlockHalf.widened(from, out.in(), out.extra(adapter));
        List<Tensor> between = between(y, ox, pass);
        Put put = BlockHalf.put(norms().after(), out, ox, residual, pass);
        return new Result(put.sum(), new Kept(r, h, y, between, ox, put.normed()));
    }

    /// Reads the input. Keys and queries are divided by their lengths, which may be small. There
    /// differences in the last bit grow a hundredfold, so float32 numbers are normed in ordinary
    /// operators, which round as transformers does.
    private Tensor read(Tensor from, Tensor h, PassContext pass) {
        Tensor r = BlockHalf.read(norms().before(), from, h, pass);
        if (from.dtype() == DType.FLOAT32) {
            norms().before()
                    .map(norm -> norm.apply(from, w -> w.value(pass.adapter())))
                    .ifPresent(h.narrow(1, 0, from.size(1))::copyInPlace);
        }
        return r;
    }

    private List<Tensor> between(Tensor y, Tensor ox, PassContext pass) {
        Optional<StateMixer.ByHand> byHand = mixer.byHand(y, pass.adapter());
        if (byHand.isPresent()) {
            return byHand.get().forward(y, ox, pass.succession());
        }
        Tensor mixed = new PlainBlock(block, pass).between(mixer, y);
        ox.narrow(1, 0, mixed.size(1)).copyInPlace(mixed);
        return List.of();
    }

    @Override
    public Kept again(Tensor from, Tensor residual, PassContext pass) {
        Result result = forward(from, residual, pass);
        result.sum().close();
        return (Kept) result.kept();
    }

    @Override
    public Tensor backward(
            Tensor dSum, Tensor beside, Tensor from, BlockHalf.Kept kept, PassContext pass) {
        Kept own = (Kept) kept;
        Tensor dOut = BlockHalf.putBackward(norms().after(), dSum, own.out(), pass);
        Tensor dox = mixer.out().backward(dOut, own.ox(), pass.dropout()); // (N, O)
        Tensor dy = // (N, P)
                mixer.byHand(own.y(), pass.adapter())
                        .map(b -> b.backward(dox, own.y(), own.between(), pass.succession()))
                        .orElseGet(
                                () ->
                                        new PlainBlock(block, pass)
                                                .betweenBackward(mixer, own.y(), dox));
        dox.close();
        Tensor dh = mixer.in().backward(dy, own.h(), pass.dropout()); // (N, D)
        dy.close();
        return BlockHalf.readBackward(norms().before(), dh, from, own.r(), beside, pass);
    }
}
