package org.attune.model.layer;

import org.attune.model.config.StateConfig;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;

/// Linear attention by the delta rule with a decay of each channel
/// ([Kimi Linear, Eq. 1 and 10](https://arxiv.org/abs/2510.26692)):
/// ```
/// [q, k, v] = silu(conv(W_qkv h)),     b, f', g' = W_b h, W_f h, W_g h
/// q ← q / (|q| √d),  k ← k / |k|
/// β = σ(b),  g = - e^A · softplus(F f' + c)
/// out = W_out (w · rms(delta rule(q, k, v, g, β)) · σ(G g'))
/// ```
/// All but the projections in float32. `N` rows, `H` heads of `d` features.
///
/// @param shape sizes
/// @param in all projections of the input
/// @param convolution over queries, keys and values
/// @param decays `F`, `(H d, d)`
/// @param rate `A`, `(1, 1, H, 1)`
/// @param stepBias `c`, `(H d)`
/// @param gates `G`, `(H d, d)`
/// @param norm `w`, of each head
/// @param out `W_out`
record ChannelDelta(
        StateConfig.ChannelDelta shape,
        FusedLinear in,
        Convolution convolution,
        FusedLinear decays,
        Weight rate,
        Weight stepBias,
        FusedLinear gates,
        RmsNorm norm,
        FusedLinear out)
        implements StateMixer {
    @Override
    public Tensor between(Tensor y, Expression expression, Succession rows) {
        long n = y.size(0);
        int heads = shape.heads();
        int size = shape.size();
        int keys = shape.keys();
        Tensor qkv = // float32 (N, 3 H d)
                convolution.apply(y.narrow(1, 0, 3L * keys), expression, rows).silu();
        Tensor q = GatedDelta.unit(qkv.narrow(1, 0, keys), heads).mul(1 / Math.sqrt(size));
        Tensor k = GatedDelta.unit(qkv.narrow(1, keys, keys), heads);
        Tensor v = qkv.narrow(1, 2L * keys, keys);
        long from = 3L * keys;
        Tensor share = y.narrow(1, from, heads).to(DType.FLOAT32).sigmoid();
        Tensor forgets = expression.of(decays, y.narrow(1, from + heads, size));
        Tensor opens = expression.of(gates, y.narrow(1, from + heads + size, size));
        Tensor step =
                Softplus.of(
                        forgets.to(DType.FLOAT32)
                                .add(expression.value(stepBias).to(DType.FLOAT32)));
        Tensor rates = expression.value(rate).to(DType.FLOAT32).exp().neg().reshape(heads, 1);
        Tensor log = step.reshape(n, heads, size).mul(rates).reshape(n, keys);
        Tensor o = rows.scan(scan(), q, k, v, log, share); // (N, H d)
        Tensor normed = norm.apply(o.reshape(n, heads, size), expression::value).reshape(o.shape());
        return normed.mul(opens.to(DType.FLOAT32).sigmoid()).to(y.dtype());
    }

    private DeltaScan scan() {
        return new DeltaScan(shape.heads(), shape.heads(), shape.size(), shape.size(), true);
    }

    @Override
    public long expressionBytes(long number) {
        long keys = shape.keys();
        long ends = number * (3L * in.out() + 2L * out.out() + 5L * keys);
        return ends
                + Float.BYTES * (26L * keys + 6L * shape.heads())
                + convolution.expressionBytes(number)
                + scan().expressionBytes();
    }

    @Override
    public List<FusedLinear> linears() {
        return List.of(in, decays, gates, out);
    }

    @Override
    public List<Norm> norms() {
        return List.of(norm);
    }

    @Override
    public List<Weight> others() {
        List<Weight> all = new ArrayList<>(convolution.weights());
        all.add(rate);
        all.add(stepBias);
        return all;
    }
}
