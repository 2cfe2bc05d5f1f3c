package org.attune.model.layer;

import org.attune.model.config.StateConfig;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A state space ([Dao and Gu 2024, Fig. 6](https://arxiv.org/abs/2405.21060)):
/// ```
/// [z, x B C, δ] = W_in h,     x, B, C ← silu(conv(x B C))
/// Δ = softplus(δ + c),  g = - e^A Δ
/// y = recurrence(Δ x, g, B, C) + D x
/// out = W_out (w · rms(y · silu(z)))
/// ```
/// All but the projections in float32. `N` rows, `H` heads.
///
/// @param shape sizes
/// @param in `W_in`
/// @param convolution over `x`, `B` and `C`
/// @param decay `A`, `(H)`
/// @param skip `D`, `(H)`
/// @param stepBias `c`, `(H)`
/// @param norm `w`, of the features of a group, where there is one
/// @param out `W_out`
record Mamba2(
        StateConfig.Mamba2 shape,
        FusedLinear in,
        Convolution convolution,
        Weight decay,
        Weight skip,
        Weight stepBias,
        Optional<RmsNorm> norm,
        FusedLinear out)
        implements StateMixer {
    @Override
    public Tensor apply(Tensor h, Expression expression, Succession rows) {
        StateConfig.Mamba2.Factors factors = shape.factors();
        Tensor p = expression.of(in, scaled(h, factors.in()));
        return scaled(expression.of(out, between(p, expression, rows)), factors.out());
    }

    @Override
    public boolean isBetween() {
        return !shape.scalesEnds();
    }

    @Override
    public Tensor between(Tensor p, Expression expression, Succession rows) {
        StateConfig.Mamba2.Factors factors = shape.factors();
        int inner = shape.inner();
        int states = shape.groups() * shape.stateDim();
        Tensor gate = scaled(p.narrow(1, 0, inner), factors.gate());
        Tensor mixed = convolution.apply(read(p), expression, rows).silu(); // float32
        Tensor x = mixed.narrow(1, 0, inner);
        Tensor step = step(p, expression); // (N, H)
        Tensor rate = expression.value(decay).to(DType.FLOAT32).exp().neg(); // (H)
        Tensor y =
                rows.scan(
                        scan(),
                        byHead(x, step),
                        step.mul(rate),
                        mixed.narrow(1, inner, states),
                        mixed.narrow(1, (long) inner + states, states));
        Tensor d = expression.value(skip).to(DType.FLOAT32).unsqueeze(0);
        return gated(y.add(byHead(x, d)), gate.to(DType.FLOAT32), expression).to(p.dtype());
    }

    /// `x`, `B` and `C` as they are projected.
    private Tensor read(Tensor p) {
        StateConfig.Mamba2.Factors f = shape.factors();
        Tensor all = p.narrow(1, shape.inner(), shape.channels());
        if (f.x() == 1 && f.b() == 1 && f.c() == 1) {
            return all;
        }
        int states = shape.groups() * shape.stateDim();
        return Tensor.cat(
                1,
                all.narrow(1, 0, shape.inner()).mul(f.x()),
                all.narrow(1, shape.inner(), states).mul(f.b()),
                all.narrow(1, (long) shape.inner() + states, states).mul(f.c()));
    }

    /// `Δ`, float32 `(N, H)`.
    private Tensor step(Tensor p, Expression expression) {
        long first = (long) shape.inner() + shape.channels();
        Tensor projected = scaled(p.narrow(1, first, shape.heads()), shape.factors().step());
        Tensor bias = expression.value(stepBias).to(DType.FLOAT32);
        Tensor step = Softplus.of(projected.to(DType.FLOAT32).add(bias));
        double least = shape.step().least();
        double largest = shape.step().largest();
        if (least > 0) {
            step = step.add(step.neg().add(least).relu());
        }
        return Double.isInfinite(largest) ? step : step.sub(step.add(-largest).relu());
    }

    /// @param x `(N, H d)`
    /// @param factors of the heads, `(N, H)` or `(1, H)`
    private Tensor byHead(Tensor x, Tensor factors) {
        return x.reshape(x.size(0), shape.heads(), shape.headDim())
                .mul(factors.unsqueeze(2))
                .reshape(x.shape());
    }

    private Tensor gated(Tensor y, Tensor gate, Expression expression) {
        return switch (shape.gate()) {
            case BEFORE_NORM -> normed(y.mul(gate.silu()), expression);
            case AFTER_NORM -> normed(y, expression).mul(gate.silu());
            case WITHOUT_NORM -> y.mul(gate.silu());
        };
    }

    private Tensor normed(Tensor y, Expression expression) {
        long groups = shape.groups();
        Tensor heads = y.reshape(y.size(0), groups, shape.inner() / groups);
        return norm.orElseThrow()
                .apply(heads, w -> expression.value(w).reshape(groups, shape.inner() / groups))
                .reshape(y.shape());
    }

    private static Tensor scaled(Tensor x, double factor) {
        return factor == 1 ? x : x.mul(factor);
    }

    private StateSpaceScan scan() {
        return new StateSpaceScan(shape.groups(), shape.heads(), shape.headDim(), shape.stateDim());
    }

    @Override
    public long expressionBytes(long number) {
        long ends = number * (4L * in.out() + 3L * out.out() + in.in() + shape.inner());
        long float32 = 2L * shape.channels() + 12L * shape.inner() + 10L * shape.heads();
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
        return norm.<Norm>map(n -> n).stream().toList();
    }

    @Override
    public List<Weight> others() {
        List<Weight> all = new ArrayList<>(convolution.weights());
        all.add(decay);
        all.add(skip);
        all.add(stepBias);
        return all;
    }
}
