package org.attune.model.layer;

import org.attune.tensor.Tensor;

import java.util.List;
import java.util.stream.IntStream;

/// Makes the vectors that each layer reads of each token, beside the residual stream:
/// ```
/// v = (norm(W x / √D) + √P E[token]) / √2
/// ```
/// `N` rows, `D` model width, `L` layers, `P` numbers of a layer's vector.
///
/// @param embedding `E`, `(rows, L P)`
/// @param projection `W`, `(L P, D)`
/// @param norm of the projection for a layer, `(P)`
/// @param pad the row of `E` that learns nothing, or −1
public record LayerInputs(Weight embedding, FusedLinear projection, Norm norm, int pad) {
    private static final double HALF_ROOT = Math.sqrt(0.5);

    /// The vectors of all layers, `(N, L, P)`.
    ///
    /// @param x embeddings of the tokens, `(N, D)`
    /// @param tokens ids; those that `E` has no row of read the first one
    public Tensor of(Tensor x, int[] tokens, Expression e) {
        int[] ids = rows(tokens);
        long n = x.size(0);
        long width = norm.weights().getFirst().base().size(0);
        Tensor projected = e.of(projection, x).mul(1 / Math.sqrt(x.size(1))).reshape(n, -1, width);
        Tensor rows = e.value(embedding).indexSelect(0, index(ids, x));
        Tensor own = learned(rows, ids).mul(Math.sqrt(width)).reshape(n, -1, width);
        return norm.apply(projected, e::value).add(own).mul(HALF_ROOT);
    }

    private int[] rows(int[] tokens) {
        long count = embedding.base().size(0);
        return IntStream.of(tokens).map(id -> id < count ? id : 0).toArray();
    }

    /// Keeps the gradient of the padding token's rows from the embedding, as transformers does.
    private Tensor learned(Tensor rows, int[] ids) {
        if (IntStream.of(ids).noneMatch(id -> id == pad)) {
            return rows;
        }
        float[] mask = new float[ids.length];
        for (int i = 0; i < mask.length; i++) {
            mask[i] = ids[i] == pad ? 0 : 1;
        }
        Tensor kept = Tensor.of(rows.device(), mask, mask.length, 1).to(rows.dtype());
        return rows.mul(kept).add(rows.detach().mul(kept.neg().add(1)));
    }

    private static Tensor index(int[] ids, Tensor like) {
        return Tensor.ofInts(like.device(), ids, ids.length);
    }

    /// Bytes of what [#of] makes of a row with autograd, at most.
    ///
    /// @param number bytes of one in the compute dtype
    long expressionBytes(long number) {
        return (number * 8 + 28) * projection.out();
    }

    /// The linear layers.
    List<FusedLinear> linears() {
        return List.of(projection);
    }
}
