package org.attune.model.layer;

import org.attune.model.config.AttentionConfig;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// Multi-head latent attention ([DeepSeek-V2, Eq. 9–19](https://arxiv.org/abs/2405.04434)): keys
/// and values of all heads are made of one short vector of each token, queries of another one:
/// ```
/// [c | k'] = W_down x,    [k_h | v_h] = W_up norm(c),    key of head h = [k_h | rotated k']
/// ```
/// `N` rows, `H` heads.
///
/// @param queryDown makes the short vector of queries; empty: `query` reads the block's input
/// @param query makes queries, of each head first what isn't rotated
/// @param down makes the short vector, and behind it what is rotated of all heads' keys
/// @param norm of the short vector
/// @param up makes of each head first what isn't rotated of a key, then the value
/// @param output projection of all heads' values
/// @param rotates whether positions rotate
public record LatentAttention(
        Optional<QueryDown> queryDown,
        FusedLinear query,
        FusedLinear down,
        RmsNorm norm,
        FusedLinear up,
        FusedLinear output,
        boolean rotates)
        implements Mixer {
    /// The short vector of queries.
    ///
    /// @param norm of it
    public record QueryDown(FusedLinear down, RmsNorm norm) {}

    /// Queries and keys `(N, H, K)`, values `(N, H, V)`.
    public record Heads(Tensor queries, Tensor keys, Tensor values) {}

    /// Computes heads as an ordinary expression.
    ///
    /// @param x `(N, D)`
    /// @param rotation of `(N, heads, rotated features)`
    public Heads heads(
            Tensor x, AttentionConfig config, Expression e, UnaryOperator<Tensor> rotation) {
        AttentionConfig.Latent sizes = config.latent().orElseThrow();
        UnaryOperator<Tensor> turn = rotates ? rotation : UnaryOperator.identity();
        long n = x.size(0);
        long heads = config.heads();
        int still = sizes.still();
        int rotated = sizes.rotated();
        Tensor in = queryDown.map(q -> q.norm().apply(e.of(q.down(), x), e::value)).orElse(x);
        Tensor q = e.of(query, in).reshape(n, heads, config.headDim());
        Tensor c = e.of(down, x); // (N, R + rotated)
        Tensor shared = turn.apply(c.narrow(1, sizes.rank(), rotated).reshape(n, 1, rotated));
        Tensor latent = norm.apply(c.narrow(1, 0, sizes.rank()), e::value); // (N, R)
        Tensor kv = e.of(up, latent).reshape(n, heads, (long) still + sizes.valueDim());
        return new Heads(
                Tensor.cat(2, q.narrow(2, 0, still), turn.apply(q.narrow(2, still, rotated))),
                Tensor.cat(2, kv.narrow(2, 0, still), shared.expand(n, heads, rotated)),
                kv.narrow(2, still, sizes.valueDim()));
    }

    /// Bytes of what [#heads] makes of a row with autograd, and of attention's own, at most.
    ///
    /// @param number bytes of one in the compute dtype
    public long expressionBytes(long number) {
        long queries = query.out();
        long made = queryDown.map(q -> 3L * q.down().out()).orElse(0L);
        return number * (made + 14 * queries + 4L * down.out() + 6L * up.out() + 4L * output.in());
    }

    @Override
    public List<FusedLinear> linears() {
        List<FusedLinear> all = new ArrayList<>();
        queryDown.ifPresent(q -> all.add(q.down()));
        all.addAll(List.of(query, down, up, output));
        return all;
    }

    @Override
    public List<Norm> norms() {
        List<Norm> all = new ArrayList<>();
        queryDown.ifPresent(q -> all.add(q.norm()));
        all.add(norm);
        return all;
    }

    @Override
    public List<Weight> others() {
        return List.of();
    }
}
