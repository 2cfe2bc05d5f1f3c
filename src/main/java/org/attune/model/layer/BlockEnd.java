package org.attune.model.layer;

import org.attune.model.config.Activation;
import org.attune.model.config.BlockConfig;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What a block does to its output ([BlockConfig.End]). `N` rows, `D` model width, `P` numbers of
/// the layer's vector of a token.
///
/// @param layer number of the block
/// @param makes the vectors of all layers, in the first block
/// @param reads the layer's vector, if it has one
/// @param scalar what the output is multiplied by, if it is
public record BlockEnd(
        int layer, Optional<LayerInputs> makes, Optional<Reader> reads, Optional<Weight> scalar) {
    /// Nothing.
    static final BlockEnd NONE =
            new BlockEnd(0, Optional.empty(), Optional.empty(), Optional.empty());

    /// Adds a layer's vector to the residual stream.
    ///
    /// @param gate `(P, D)`
    /// @param out `(D, P)`
    record Reader(FusedLinear gate, FusedLinear out, Norm norm, Activation activation) {
        Tensor added(Tensor x, Tensor vector, Expression e) {
            Tensor open = FeedForward.activated(activation, e.of(gate, x)).mul(vector); // (N, P)
            return norm.apply(e.of(out, open), e::value);
        }
    }

    /// Whether nothing is done.
    public boolean isNone() {
        return makes.isEmpty() && reads.isEmpty() && scalar.isEmpty();
    }

    /// Whether the layer reads a vector of each token.
    public boolean readsVector() {
        return reads.isPresent();
    }

    /// The block's output, `(N, D)`.
    ///
    /// @param x what its parts leave in the residual stream, `(N, D)`
    /// @param vector of the layer, `(N, P)`, where it reads one; else nothing
    public Tensor apply(Tensor x, Optional<Tensor> vector, Expression e) {
        Tensor read = added(x, vector, e).map(x::add).orElse(x);
        return scalar.map(c -> read.mul(c.base())).orElse(read);
    }

    /// What the layer's vector adds to the residual stream, `(N, D)`, if it reads one.
    ///
    /// @param x opens the vector, `(N, D)`
    Optional<Tensor> added(Tensor x, Optional<Tensor> vector, Expression e) {
        return reads.map(r -> r.added(x, vector.orElseThrow(), e));
    }

    /// Bytes of what it makes of a row with autograd, at most.
    ///
    /// @param number bytes of one in the compute dtype
    public long expressionBytes(long number) {
        return makes.map(m -> m.expressionBytes(number)).orElse(0L)
                + reads.map(r -> (number * 4 + 44) * r.gate().out() + number * 4 * r.out().out())
                        .orElse(0L)
                + scalar.map(_ -> number * 2).orElse(0L);
    }

    List<FusedLinear> linears() {
        List<FusedLinear> all = new ArrayList<>();
        makes.ifPresent(m -> all.addAll(m.linears()));
        reads.ifPresent(r -> all.addAll(List.of(r.gate(), r.out())));
        return all;
    }

    List<Norm> norms() {
        List<Norm> all = new ArrayList<>();
        makes.ifPresent(m -> all.add(m.norm()));
        reads.ifPresent(r -> all.add(r.norm()));
        return all;
    }

    List<Weight> others() {
        return makes.stream().map(LayerInputs::embedding).toList();
    }
}
