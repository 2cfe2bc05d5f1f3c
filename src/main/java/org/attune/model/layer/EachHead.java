package org.attune.model.layer;

import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/// A norm of each head by its own weights, which files hold one by one, as StableLM's do. The last
/// two axes are heads and their features, `(…, H, K)`. Its statistics are those of the heads,
/// `(…, H, S)`.
///
/// @param heads a norm of each, `H`
record EachHead(List<LayerNorm> heads) implements Norm {
    EachHead {
        heads = List.copyOf(heads);
    }

    @Override
    public List<Weight> weights() {
        return heads.stream().flatMap(norm -> norm.weights().stream()).toList();
    }

    @Override
    public Tensor forward(Tensor x, Tensor out, Adapter adapter) {
        return each(x, (norm, h) -> norm.forward(of(x, h), of(out, h), adapter));
    }

    @Override
    public Tensor backward(Tensor dy, Tensor x, Tensor statistics, Adapter adapter) {
        return each(x, (norm, h) -> norm.backward(of(dy, h), of(x, h), of(statistics, h), adapter));
    }

    @Override
    public Tensor apply(Tensor x, Function<Weight, Tensor> values) {
        return each(x, (norm, h) -> norm.apply(of(x, h), values));
    }

    private interface OfHead {
        Tensor of(LayerNorm norm, int head);
    }

    private Tensor each(Tensor x, OfHead work) {
        List<Tensor> parts = new ArrayList<>();
        for (int h = 0; h < heads.size(); h++) {
            parts.add(work.of(heads.get(h), h));
        }
        return Tensor.cat(x.dim() - 2, parts.toArray(Tensor[]::new));
    }

    /// One head, `(…, 1, K)`.
    private static Tensor of(Tensor x, int head) {
        return x.narrow(x.dim() - 2, head, 1);
    }
}
