package org.attune.model.layer;

import org.attune.model.config.AttentionConfig;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// Attention with the sizes of one layer, which may attend to the keys and values of an earlier
/// layer ([Brandon et al. 2024, §3](https://arxiv.org/abs/2405.12981)). `N` rows, `C` key/value
/// heads, `K` head size.
///
/// @param query projection of queries
/// @param queryNorm of each query
/// @param keysAndValues projections of keys and values, or of keys alone, which values are too;
///     empty: the keys and values are those of another layer
/// @param keyNorm of each key, where there are some
/// @param valueNorm of each value, where there is one
/// @param output output projection
/// @param sizes of this layer
/// @param window tokens that a token sees, itself included; 0 is all
/// @param softcap `c` of `c · tanh(score / c)`; 0 is none
/// @param source number of the layer whose keys and values it attends to
/// @param lends whether other layers attend to its keys and values
public record VariedAttention(
        FusedLinear query,
        Norm queryNorm,
        Optional<FusedLinear> keysAndValues,
        Optional<Norm> keyNorm,
        Optional<Norm> valueNorm,
        FusedLinear output,
        AttentionConfig.Sizes sizes,
        int window,
        double softcap,
        int source,
        boolean lends)
        implements Mixer {
    /// Queries, normed and rotated, `(N, heads, K)`.
    ///
    /// @param x `(N, D)`
    /// @param rotation of `(N, heads, K)`
    public Tensor queries(Tensor x, Expression e, UnaryOperator<Tensor> rotation) {
        return rotation.apply(queryNorm.apply(heads(e.of(query, x)), e::value));
    }

    /// Keys, normed and rotated, and values, two of `(N, C, K)`. Of a layer that has its own.
    ///
    /// @param x `(N, D)`
    /// @param rotation of `(N, C, K)`
    public Tensor[] keysAndValues(Tensor x, Expression e, UnaryOperator<Tensor> rotation) {
        Tensor both = e.of(keysAndValues.orElseThrow(), x);
        long columns = (long) sizes.kvHeads() * sizes.headDim();
        Tensor k = heads(both.narrow(1, 0, columns));
        Tensor v = sizes.keysAreValues() ? k : heads(both.narrow(1, columns, columns));
        return new Tensor[] {
            rotation.apply(keyNorm.orElseThrow().apply(k, e::value)),
            valueNorm.map(norm -> norm.apply(v, e::value)).orElse(v)
        };
    }

    private Tensor heads(Tensor y) {
        return y.reshape(y.size(0), y.size(1) / sizes.headDim(), sizes.headDim());
    }

    /// Bytes of what it makes of a row with autograd, at most.
    ///
    /// @param number bytes of one in the compute dtype
    public long expressionBytes(long number) {
        long keys = keysAndValues.map(l -> (long) l.out()).orElse(0L);
        return (number * 17 + 28) * query.out() + (number * 12 + 28) * keys;
    }

    @Override
    public List<FusedLinear> linears() {
        List<FusedLinear> all = new ArrayList<>(List.of(query));
        keysAndValues.ifPresent(all::add);
        all.add(output);
        return all;
    }

    @Override
    public List<Norm> norms() {
        List<Norm> all = new ArrayList<>(List.of(queryNorm));
        keyNorm.ifPresent(all::add);
        return all;
    }

    @Override
    public List<Weight> others() {
        return List.of();
    }
}
