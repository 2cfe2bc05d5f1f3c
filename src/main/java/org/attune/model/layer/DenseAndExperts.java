package org.attune.model.layer;

import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;

/// A part that all tokens take beside experts that each token chooses from. Both, and the router,
/// read the residual stream `x` itself:
/// ```
/// y = norm₂(F(norm₁(x))) + norm₄(Σ_e w_e E_e(norm₃(x))),     w of x
/// ```
///
/// @param dense `F`
/// @param denseNorms norms 1 and 2
/// @param experts of the router
/// @param expertNorms norms 3 and 4
record DenseAndExperts(Dense dense, Pair denseNorms, Experts experts, Pair expertNorms)
        implements FeedForward {
    /// Norms around a part.
    record Pair(Norm before, Norm after) {
        List<Norm> both() {
            return List.of(before, after);
        }
    }

    @Override
    public Tensor apply(Tensor x, Expression e) {
        Tensor one = dense.apply(denseNorms.before().apply(x, e::value), e);
        Router.Routed routed = experts.router().route(x, e);
        Tensor other = experts.apply(expertNorms.before().apply(x, e::value), routed, e);
        return denseNorms
                .after()
                .apply(one, e::value)
                .add(expertNorms.after().apply(other, e::value));
    }

    @Override
    public long expressionBytes(long number) {
        long width = dense.up().in();
        return dense.expressionBytes(number)
                + experts.expressionBytes(number)
                + norms().size() * denseNorms.before().expressionBytes(width);
    }

    @Override
    public List<FusedLinear> linears() {
        List<FusedLinear> all = new ArrayList<>(dense.linears());
        all.addAll(experts.linears());
        return all;
    }

    @Override
    public List<Norm> norms() {
        List<Norm> all = new ArrayList<>(denseNorms.both());
        all.addAll(expertNorms.both());
        return all;
    }

    @Override
    public List<Weight> others() {
        return experts.others();
    }

    @Override
    public List<Weight> buffers() {
        return experts.buffers();
    }
}
