package org.attune.model.pass;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Block;
import org.attune.model.layer.ExpertsPass;
import org.attune.model.layer.FeedForward;
import org.attune.tensor.Tensor;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/// Experts and their norms, forward and backward by hand.
///
/// @param part whose experts an [ExpertsPass] computes
record ExpertsHalf(Block.Norms norms, FeedForward part) implements BlockHalf {
    /// @param r statistics of the norm before, `(N, S)`, or null without one
    /// @param experts what they made
    /// @param out output before its norm, or null without one
    record Kept(Tensor r, ExpertsPass experts, Normed out) implements BlockHalf.Kept {
        @Override
        public Stream<Tensor> tensors() {
            return Stream.of(
                            Stream.of(r).filter(Objects::nonNull),
                            experts.kept(),
                            Normed.tensors(out))
                    .flatMap(all -> all);
        }
    }

    @Override
    public long keptBytes(DecoderConfig c, long number) {
        return ExpertsPass.keptBytes(part, number)
                + BlockHalf.keptBytes(norms, List.of(), c.hiddenSize(), number);
    }

    @Override
    public Result forward(Tensor from, Tensor residual, PassContext pass) {
        Tensor h = Tensor.empty(from.device(), from.dtype(), from.shape());
        Tensor r = BlockHalf.read(norms.before(), from, h, pass);
        var experts = ExpertsPass.of(part, h, pass.adapter(), pass.dropout(), pass.routers());
        Put put = BlockHalf.put(norms.after(), experts.out(), residual, pass);
        return new Result(put.sum(), new Kept(r, experts, put.normed()));
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
        Tensor dOut = BlockHalf.putBackward(norms.after(), dSum, own.out(), pass);
        Tensor dh = own.experts().backward(dOut);
        return BlockHalf.readBackward(norms.before(), dh, from, own.r(), beside, pass);
    }
}
