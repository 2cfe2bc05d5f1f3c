package org.attune.model.layer;

import org.attune.model.config.StateConfig;
import org.attune.tensor.DType;
import org.attune.tensor.StateKernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.DeltaKernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/// Linear attention by the gated delta rule
/// ([Yang et al. 2024, Fig. 1](https://arxiv.org/abs/2412.06464)):
/// ```
/// [q, k, v] = silu(conv(W_qkv h)),     z, b, a = W_z h, W_b h, W_a h
/// q ← q / (|q| √d_k),  k ← k / |k|
/// β = σ(b),  g = - e^A · softplus(a + c)
/// out = W_out (w · rms(delta rule(q, k, v, g, β)) · silu(z))
/// ```
/// All but the projections in float32. `N` rows, `H` value heads.
///
/// @param shape sizes
/// @param in all projections of the input
/// @param convolution over queries, keys and values
/// @param decay `A`, `(H)`
/// @param stepBias `c`, `(H)`
/// @param norm `w`, of each value head
/// @param out `W_out`
record GatedDelta(
        StateConfig.GatedDelta shape,
        FusedLinear in,
        Convolution convolution,
        Weight decay,
        Weight stepBias,
        RmsNorm norm,
        FusedLinear out)
        implements StateMixer {
    /// In transformers a constant too.
    static final double EPSILON = 1e-6;

    /// What the input is projected to.
    ///
    /// @param mixed queries, keys and values, `(N, …)`
    /// @param gate `z`, `(N, H d_v)`
    /// @param write `b`, `(N, H)`
    /// @param step `a`, `(N, H)`
    record Projected(Tensor mixed, Tensor gate, Tensor write, Tensor step) {}

    @Override
    public Tensor between(Tensor y, Expression expression, Succession rows) {
        if (rows.carried().isPresent() && hasKernels(y)) {
            return new WrittenDelta(this, expression::value).goOn(y, rows);
        }
        Projected p = projected(y);
        Tensor qkv = convolution.apply(p.mixed(), expression, rows).silu(); // float32 (N, …)
        int keys = shape.keys();
        Tensor q =
                unit(qkv.narrow(1, 0, keys), shape.keyHeads()).mul(1 / Math.sqrt(shape.keyDim()));
        Tensor k = unit(qkv.narrow(1, keys, keys), shape.keyHeads());
        Tensor v = qkv.narrow(1, 2L * keys, shape.values());
        Tensor rate = expression.value(decay).to(DType.FLOAT32).exp().neg(); // (H)
        Tensor step = p.step().to(DType.FLOAT32).add(expression.value(stepBias).to(DType.FLOAT32));
        Tensor o = // (N, H d_v)
                rows.scan(
                        scan(),
                        q,
                        k,
                        v,
                        Softplus.of(step).mul(rate),
                        p.write().to(DType.FLOAT32).sigmoid());
        Tensor heads = o.reshape(y.size(0), shape.heads(), shape.valueDim());
        Tensor normed = norm.apply(heads, expression::value).reshape(o.shape());
        return normed.mul(p.gate().to(DType.FLOAT32).silu()).to(y.dtype());
    }

    @Override
    public Optional<ByHand> byHand(Tensor like, Adapter adapter) {
        boolean trains =
                Stream.concat(others().stream(), norm.weights().stream())
                        .anyMatch(w -> w.gradient(adapter) != null);
        return trains || !hasKernels(like)
                ? Optional.empty()
                : Optional.of(new WrittenDelta(this, w -> w.value(adapter)));
    }

    @Override
    public Optional<StateKernels.DeltaLayer> tokenKernel(Adapter adapter) {
        return shape.byKeyHead() ? Optional.empty() : Optional.of(kernel(w -> w.value(adapter)));
    }

    /// What is between the projections, as a kernel of a token takes it.
    StateKernels.DeltaLayer kernel(Function<Weight, Tensor> values) {
        return new StateKernels.DeltaLayer(
                shape.keyHeads(),
                EPSILON,
                norm.epsilon(),
                Stream.of(convolution.parts().getFirst(), decay, stepBias, norm.weight())
                        .map(values)
                        .toList());
    }

    private boolean hasKernels(Tensor y) {
        return VectorKernels.serve(y.device(), y.dtype(), shape.keyDim(), shape.valueDim());
    }

    /// Counts values as the rule puts them out and as it solved for them, rates, and two states of
    /// each chunk: a prompt that several completions share keeps one more.
    @Override
    public long keptBytes() {
        long states = 2 * shape.stateNumbers() / DeltaKernel.CHUNK;
        return Float.BYTES * (2L * shape.values() + 2L * shape.heads() + states);
    }

    private DeltaScan scan() {
        return new DeltaScan(shape.keyHeads(), shape.heads(), shape.keyDim(), shape.valueDim());
    }

    Projected projected(Tensor y) {
        int mixed = shape.channels();
        int values = shape.values();
        int heads = shape.heads();
        if (!shape.byKeyHead()) {
            return new Projected(
                    y.narrow(1, 0, mixed),
                    y.narrow(1, mixed, values),
                    y.narrow(1, (long) mixed + values, heads),
                    y.narrow(1, (long) mixed + values + heads, heads));
        }
        long n = y.size(0);
        int keyHeads = shape.keyHeads();
        long own = values / keyHeads; // of a key head's values
        long all = 2L * shape.keyDim() + 2 * own;
        Tensor byHead = y.narrow(1, 0, keyHeads * all).reshape(n, keyHeads, all);
        Tensor ofHeads = y.narrow(1, keyHeads * all, 2L * heads).reshape(n, keyHeads, -1);
        long served = heads / keyHeads;
        return new Projected(
                Tensor.cat(
                        1,
                        byHead.narrow(2, 0, shape.keyDim()).reshape(n, -1),
                        byHead.narrow(2, shape.keyDim(), shape.keyDim()).reshape(n, -1),
                        byHead.narrow(2, 2L * shape.keyDim(), own).reshape(n, -1)),
                byHead.narrow(2, 2L * shape.keyDim() + own, own).reshape(n, -1),
                ofHeads.narrow(2, 0, served).reshape(n, heads),
                ofHeads.narrow(2, served, served).reshape(n, heads));
    }

    /// Projections by key head, side by side as [#projected] is given them.
    Tensor joined(Projected p) {
        long n = p.mixed().size(0);
        int keyHeads = shape.keyHeads();
        int keys = shape.keys();
        Tensor all =
                Tensor.cat(
                        2,
                        p.mixed().narrow(1, 0, keys).reshape(n, keyHeads, -1),
                        p.mixed().narrow(1, keys, keys).reshape(n, keyHeads, -1),
                        p.mixed().narrow(1, 2L * keys, shape.values()).reshape(n, keyHeads, -1),
                        p.gate().reshape(n, keyHeads, -1));
        Tensor ofHeads =
                Tensor.cat(
                        2, p.write().reshape(n, keyHeads, -1), p.step().reshape(n, keyHeads, -1));
        return Tensor.cat(1, all.reshape(n, -1), ofHeads.reshape(n, -1));
    }

    /// Heads of length 1.
    static Tensor unit(Tensor x, long count) {
        Tensor heads = x.reshape(x.size(0), count, x.size(1) / count);
        Tensor r = heads.square().sum(2, true).add(EPSILON).rsqrt(); // (N, heads, 1)
        return heads.mul(r).reshape(x.shape());
    }

    @Override
    public long expressionBytes(long number) {
        long ends = number * (3L * in.out() + 2L * out.out() + shape.values());
        long float32 = 5L * shape.channels() + 7L * shape.values() + 8L * shape.heads();
        return ends
                + Float.BYTES * float32
                + convolution.expressionBytes(number)
                + scan().expressionBytes();
    }

    @Override
    public List<FusedLinear> linears() {
        return List.of(in, out);
    }

    @Override
    public List<Norm> norms() {
        return List.of(norm);
    }

    @Override
    public List<Weight> others() {
        List<Weight> all = new ArrayList<>(convolution.weights());
        all.add(decay);
        all.add(stepBias);
        return all;
    }
}
