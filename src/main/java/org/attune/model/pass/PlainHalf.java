package org.attune.model.pass;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Block;
import org.attune.tensor.Tensor;

import java.util.stream.Stream;

/// Half of a block in ordinary operators with autograd, which keeps nothing: what [PlainBlock]
/// computes, for parts that aren't written by hand.
///
/// @param mixes whether it is the half that mixes tokens
record PlainHalf(Block block, boolean mixes) implements BlockHalf {
    private static final Kept NOTHING = Stream::empty;

    @Override
    public long keptBytes(DecoderConfig config, long number) {
        return 0;
    }

    @Override
    public Result forward(Tensor from, Tensor residual, PassContext pass) {
        Tensor part = new PlainBlock(block, pass).half(mixes, from);
        return new Result(part.add(residual), NOTHING);
    }

    @Override
    public Kept again(Tensor from, Tensor residual, PassContext pass) {
        return NOTHING;
    }

    @Override
    public Tensor backward(Tensor dSum, Tensor beside, Tensor from, Kept kept, PassContext pass) {
        return new PlainBlock(block, pass).halfBackward(mixes, from, dSum).addInPlace(beside);
    }
}
