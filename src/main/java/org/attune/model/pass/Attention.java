package org.attune.model.pass;

import org.attune.model.config.AttentionConfig;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Masks;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Attention of the rows of one [Layout], in blocks of queries with batched products. On CPUs this
/// is 2–4 times faster in bfloat16 than ATen's fused kernel. Unlike that kernel, it is right for
/// rows that see more keys than there are queries.
///
/// Shapes: `C` key/value heads, `G` query heads per key/value head, `K` head size. Queries
/// `(C, N, G, K)` come scaled by `1/√K`; keys and values `(C, N, K)`.
final class Attention {
    private final AttentionConfig config;
    private final Layout layout;
    private final Device device;
    private final DType dtype;
    private final Map<Integer, Tensor> triangles = new HashMap<>();
    private final Map<Layout.QueryBlock, Tensor> windowMasks = new HashMap<>();
    private final TensorScope masks;

    /// @param masks scope that owns the masks, as long-lived as this object
    Attention(
            AttentionConfig config, Layout layout, Device device, DType dtype, TensorScope masks) {
        this.config = config;
        this.layout = layout;
        this.device = device;
        this.dtype = dtype;
        this.masks = masks;
    }

    /// @param softcap `c` of `c · tanh(score / c)`; 0 is none
    /// @param o attention output, `(C, N, G, K)`, is written
    void forward(Tensor q, Tensor k, Tensor v, int window, double softcap, Tensor o) {
        for (Layout.QueryBlock block : layout.blocks(window, config)) {
            try (var _ = TensorScope.open("attention")) {
                Tensor scores = capped(scores(q, k, block), softcap);
                Tensor p = probabilities(scores, q, block); // (C, nG, keys)
                Tensor out = p.bmm(rows(v, block)); // (C, nG, K)
                queries(o, block).copyInPlace(unfold(out, q, block));
            }
        }
    }

    /// Gradients of queries (as scaled), keys and values.
    ///
    /// @param dOut `(C, N, G, K)`
    /// @param softcap as in the forward pass
    Tensor[] backward(Tensor dOut, Tensor q, Tensor k, Tensor v, int window, double softcap) {
        Tensor dq = Tensor.empty(q.device(), q.dtype(), q.shape());
        // Sums over query blocks: float32, since many small terms would vanish in bfloat16.
        Tensor dk = Tensor.zeros(k.device(), DType.FLOAT32, k.shape());
        Tensor dv = Tensor.zeros(v.device(), DType.FLOAT32, v.shape());
        for (Layout.QueryBlock block : layout.blocks(window, config)) {
            try (var _ = TensorScope.open("attention")) {
                Tensor scores = capped(scores(q, k, block), softcap);
                Optional<Tensor> slope = slope(scores, softcap);
                Tensor p = probabilities(scores, q, block); // (C, nG, keys)
                Tensor g = fold(dOut, block); // (C, nG, K)
                addRows(dv, block, p.transpose(1, 2).bmm(g));
                Tensor dp = g.bmm(rows(v, block).transpose(1, 2)); // (C, nG, keys)
                Tensor ds = dp.softmaxBackward(p); // (C, nG, keys)
                slope.ifPresent(ds::mulInPlace);
                Tensor dqBlock = ds.bmm(rows(k, block)); // (C, nG, K)
                queries(dq, block).copyInPlace(unfold(dqBlock, q, block));
                addRows(dk, block, ds.transpose(1, 2).bmm(fold(q, block)));
            }
        }
        return new Tensor[] {dq, dk.to(k.dtype()), dv.to(v.dtype())};
    }

    /// Computes attention as an ordinary expression, for autograd.
    ///
    /// @param softcap `c` of `c · tanh(score / c)`; 0 is none
    /// @param sinks a score of each query head beside those of its keys, `(CG)`
    Tensor apply(Tensor q, Tensor k, Tensor v, int window, double softcap, Optional<Tensor> sinks) {
        List<Layout.QueryBlock> blocks = layout.blocks(window, config);
        Tensor[] parts = new Tensor[blocks.size()];
        for (int i = 0; i < parts.length; i++) {
            Layout.QueryBlock block = blocks.get(i);
            Tensor seen = masked(capped(scores(q, k, block), softcap), q, block, false);
            Tensor p =
                    sinks.map(own -> besideSinks(seen, own, q.size(2)))
                            .orElseGet(() -> seen.softmax(Tensor.LAST));
            parts[i] = unfold(p.bmm(rows(v, block)), q, block);
        }
        return Tensor.cat(1, parts);
    }

    /// `(C, nG, keys)`.
    private static Tensor scores(Tensor q, Tensor k, Layout.QueryBlock block) {
        return fold(q, block).bmm(rows(k, block).transpose(1, 2));
    }

    private static Tensor capped(Tensor scores, double softcap) {
        return softcap == 0 ? scores : scores.mul(1 / softcap).tanh().mul(softcap);
    }

    /// How capped scores move with those before the cap: `1 − (score / c)²`. Empty without a cap.
    private static Optional<Tensor> slope(Tensor capped, double softcap) {
        if (softcap == 0) {
            return Optional.empty();
        }
        return Optional.of(capped.mul(1 / softcap).square().mul(-1).add(1));
    }

    /// A softmax over the scores and one more of each head, whose share is dropped.
    ///
    /// @param scores `(C, nG, keys)`
    /// @param sinks `(CG)`
    /// @param groups `G`
    private static Tensor besideSinks(Tensor scores, Tensor sinks, long groups) {
        long heads = scores.size(0);
        long rows = scores.size(1);
        Tensor column =
                sinks.reshape(heads, 1, groups, 1)
                        .expand(heads, rows / groups, groups, 1)
                        .reshape(heads, rows, 1);
        return Tensor.cat(2, scores, column)
                .softmax(Tensor.LAST)
                .narrow(2, 0, scores.size(2))
                .contiguous();
    }

    /// @param scores `(C, nG, keys)`, changed
    private Tensor probabilities(Tensor scores, Tensor q, Layout.QueryBlock block) {
        masked(scores, q, block, true);
        return scores.softmaxInPlace();
    }

    /// Scores with what may not be seen at −∞.
    private Tensor masked(Tensor scores, Tensor q, Layout.QueryBlock block, boolean inPlace) {
        int n = block.queries();
        if (n == 1 && block.mask() == null) {
            return scores;
        }
        long groups = q.size(2);
        Tensor byQuery = scores.reshape(scores.size(0), n, groups, scores.size(2));
        Tensor mask = block.mask() == null ? triangle(n) : windowMask(block); // (n, 1, width)
        if (inPlace) {
            long width = mask.size(2);
            byQuery.narrow(3, scores.size(2) - width, width).addInPlace(mask);
            return scores;
        }
        Tensor wide = mask;
        if (mask.size(2) < scores.size(2)) {
            Tensor zeros = Tensor.zeros(device, dtype, n, 1, scores.size(2) - mask.size(2));
            wide = Tensor.cat(2, zeros, mask);
        }
        return byQuery.add(wide).reshape(scores.shape());
    }

    private Tensor triangle(int n) {
        return triangles.computeIfAbsent(
                n, size -> masks.adopt(Masks.triangle(device, dtype, size).copy()));
    }

    private Tensor windowMask(Layout.QueryBlock block) {
        return windowMasks.computeIfAbsent(
                block,
                b ->
                        masks.adopt(
                                Masks.of(device, dtype, b.mask(), b.queries(), 1, b.keys())
                                        .copy()));
    }

    /// Query rows of a block, `(C, n, G, K)`, a view.
    private static Tensor queries(Tensor q, Layout.QueryBlock block) {
        return q.narrow(1, block.start(), block.queries());
    }

    /// Query rows with their heads as rows, `(C, nG, K)`.
    private static Tensor fold(Tensor q, Layout.QueryBlock block) {
        return queries(q, block).reshape(q.size(0), block.queries() * q.size(2), q.size(3));
    }

    private static Tensor unfold(Tensor x, Tensor q, Layout.QueryBlock block) {
        return x.reshape(q.size(0), block.queries(), q.size(2), x.size(2));
    }

    /// The keys (or values) that a block sees, `(C, keys, K)`; a view if they are consecutive.
    private static Tensor rows(Tensor k, Layout.QueryBlock block) {
        Tensor[] parts = new Tensor[block.keyStarts().length];
        for (int i = 0; i < parts.length; i++) {
            int start = block.keyStarts()[i];
            parts[i] = k.narrow(1, start, block.keyEnds()[i] - start);
        }
        return parts.length == 1 ? parts[0] : Tensor.cat(1, parts);
    }

    private static void addRows(Tensor sum, Layout.QueryBlock block, Tensor addend) {
        int from = 0;
        for (int i = 0; i < block.keyStarts().length; i++) {
            int start = block.keyStarts()[i];
            int length = block.keyEnds()[i] - start;
            sum.narrow(1, start, length).addInPlace(addend.narrow(1, from, length));
            from += length;
        }
    }
}
