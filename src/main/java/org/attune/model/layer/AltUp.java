package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/// A residual stream of several copies, of which a block computes one, AltUp
/// ([Baykal et al. 2023, Alg. 1](https://arxiv.org/abs/2301.13310)). `x_i` are the copies of a
/// token, `a` is the one that is computed, `F` the parts of the block:
/// ```
/// m(x)  = tanh(R norm(x) / D)
/// x̂_i   = x_i + Σ_j P_ij x_j,              P = the prediction's projection of m(x_a)
/// x'_i  = x̂_i + (1 + c_i) (F(x̂_a) − x̂_a),  c = the correction's projection of m(F(x̂_a))
/// ```
/// A vector of the layer is opened by `x'_a`, times a weight, and what it gives is added to all
/// copies but the first. The first block makes the copies of the embedding, and the last one the
/// mean of them all: each is projected and brought to the length of the first.
///
/// `N` rows, `D` model width, `C` copies. Between blocks a row has `C D` numbers.
///
/// @param copies `C`
/// @param active `a`
/// @param opening projections of the embedding, one for each further copy, in the first block
/// @param closing projections of further copies back, in the last block
/// @param router `R`, `(C, D)`
/// @param norm of what the router reads
/// @param prediction `(C C, C)`
/// @param correction `(C, C)`
/// @param scale weight of `x'_a`, `(D)`
/// @param scaled whether it is multiplied by
record AltUp(
        int copies,
        int active,
        Optional<List<FusedLinear>> opening,
        Optional<List<FusedLinear>> closing,
        FusedLinear router,
        Norm norm,
        FusedLinear prediction,
        FusedLinear correction,
        Weight scale,
        boolean scaled) {
    /// Least mean square of a copy that is brought to another's length.
    private static final double LEAST = 1e-5;

    /// The smallest normal number of float32: a row of zeros has a gradient, others don't change.
    static final double TINY = Float.MIN_NORMAL;

    /// The copies behind a block, `(N, C D)`; behind the last block their mean, `(N, D)`.
    ///
    /// @param x copies before the block, `(N, C D)`; before the first block the embedding, `(N, D)`
    /// @param parts of the block, `(N, D)` to `(N, D)`
    /// @param end what the layer's vector gives, opened by `(N, D)`, if there is one
    Tensor around(
            Tensor x,
            UnaryOperator<Tensor> parts,
            Function<Tensor, Optional<Tensor>> end,
            Expression e) {
        Tensor all = apart(opening.map(own -> opened(x, own, e)).orElse(x));
        Tensor predicted = predicted(all, e); // (N, C, D)
        Tensor computed = parts.apply(copy(predicted, active));
        Tensor corrected = corrected(predicted, computed, e);
        Tensor read = copy(corrected, active);
        Tensor out =
                end.apply(scaled ? read.mul(e.value(scale)) : read)
                        .map(more -> added(corrected, more))
                        .orElse(corrected);
        return closing.map(own -> closed(out, own, e))
                .orElseGet(() -> out.reshape(out.size(0), -1));
    }

    private Tensor apart(Tensor x) {
        return x.reshape(x.size(0), copies, x.size(1) / copies);
    }

    private static Tensor copy(Tensor all, int which) {
        return all.select(1, which).contiguous();
    }

    private Tensor mixture(Tensor x, Expression e) {
        Tensor read = norm.apply(x, e::value).mul(1.0 / x.size(1));
        return e.of(router, read).to(DType.FLOAT32).tanh().to(x.dtype()); // (N, C)
    }

    private Tensor predicted(Tensor all, Expression e) {
        Tensor factors = e.of(prediction, mixture(copy(all, active), e)); // (N, C C)
        return factors.reshape(all.size(0), copies, copies).bmm(all).add(all);
    }

    private Tensor corrected(Tensor predicted, Tensor computed, Expression e) {
        Tensor factors = e.of(correction, mixture(computed, e)).add(1).unsqueeze(2); // (N, C, 1)
        Tensor news = computed.sub(predicted.select(1, active)).unsqueeze(1); // (N, 1, D)
        return predicted.add(news.mul(factors));
    }

    private Tensor added(Tensor all, Tensor more) {
        if (copies == 1) {
            return all;
        }
        Tensor others = all.narrow(1, 1, copies - 1).add(more.unsqueeze(1));
        return Tensor.cat(1, all.narrow(1, 0, 1), others);
    }

    private static Tensor opened(Tensor x, List<FusedLinear> own, Expression e) {
        Tensor length = length(x);
        List<Tensor> all = new ArrayList<>(List.of(x));
        own.forEach(projection -> all.add(resized(e.of(projection, x), length)));
        return Tensor.cat(1, all.toArray(Tensor[]::new));
    }

    private Tensor closed(Tensor all, List<FusedLinear> own, Expression e) {
        Tensor first = copy(all, 0);
        Tensor length = length(first);
        Tensor sum = first;
        for (int i = 1; i < copies; i++) {
            sum = sum.add(resized(e.of(own.get(i - 1), copy(all, i)), length));
        }
        return sum.mul(1.0 / copies);
    }

    private static Tensor meanSquare(Tensor x) {
        return x.to(DType.FLOAT32).square().mean(Tensor.LAST, true); // (N, 1)
    }

    private static Tensor length(Tensor x) {
        return meanSquare(x).add(TINY).sqrt();
    }

    private static Tensor resized(Tensor x, Tensor length) {
        Tensor own = meanSquare(x);
        Tensor bounded = own.add(own.neg().add(LEAST).relu()); // max(own, LEAST)
        return x.mul(length.mul(bounded.rsqrt()).to(x.dtype()));
    }

    /// Bytes of what it makes of a row with autograd, at most.
    ///
    /// @param number bytes of one in the compute dtype
    long expressionBytes(long number) {
        long width = router.in();
        long ends = opening.stream().count() + closing.stream().count();
        return number * width * (6L * copies + 6)
                + ends * copies * width * (3 * number + 2L * Float.BYTES);
    }

    /// The linear layers, in the order in which they are computed.
    List<FusedLinear> linears() {
        List<FusedLinear> all = new ArrayList<>();
        opening.ifPresent(all::addAll);
        all.addAll(List.of(router, prediction, correction));
        closing.ifPresent(all::addAll);
        return all;
    }
}
