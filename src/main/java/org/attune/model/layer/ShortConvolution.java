package org.attune.model.layer;

import org.attune.tensor.Tensor;

import java.util.List;

/// A convolution between two gates ([LFM2](https://arxiv.org/abs/2511.23404)):
/// ```
/// [B, C, x] = W_in h,     out = W_out (C · conv(B · x))
/// ```
///
/// @param in `W_in`
/// @param convolution over the last tokens
/// @param out `W_out`
record ShortConvolution(FusedLinear in, Convolution convolution, FusedLinear out)
        implements StateMixer {
    @Override
    public Tensor between(Tensor y, Expression expression, Succession rows) {
        int width = out.in();
        Tensor gated = y.narrow(1, 0, width).mul(y.narrow(1, 2L * width, width)); // (N, C)
        Tensor mixed = convolution.apply(gated, expression, rows).to(y.dtype());
        return y.narrow(1, width, width).mul(mixed);
    }

    @Override
    public long expressionBytes(long number) {
        long width = out.in();
        return convolution.expressionBytes(number)
                + number * (2L * in.out() + 3 * width + 2L * out.out());
    }

    @Override
    public List<FusedLinear> linears() {
        return List.of(in, out);
    }

    @Override
    public List<Norm> norms() {
        return List.of();
    }

    @Override
    public List<Weight> others() {
        return convolution.weights();
    }
}
