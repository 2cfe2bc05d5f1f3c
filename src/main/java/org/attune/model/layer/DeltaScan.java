package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// The gated delta rule ([Yang et al. 2024, Eq. 10](https://arxiv.org/abs/2412.06464)), for each
/// value head:
/// ```
/// S ← e^g S,     S ← S + k ⊗ β (v - kᵀ S),     o = qᵀ S
/// ```
/// In a chunk, with `G` the sums of `g` and `D_ij = e^(G_i - G_j)`:
/// ```
/// T = (1 + [β k kᵀ ∘ D]_(j < i))⁻¹
/// V = T β v - T β k e^G S
/// o = q e^G S + [q kᵀ ∘ D]_(j ≤ i) V
/// S ← e^(G_C) S + (k e^(G_C - G))ᵀ V
/// ```
/// Inputs: `q` and `k` of the key heads, `v` of the value heads, `g` and `β` of each of those.
///
/// @param keyHeads of which each serves as many value heads
/// @param heads value heads, `H`
/// @param keyDim features of a key
/// @param valueDim features of a value
record DeltaScan(int keyHeads, int heads, int keyDim, int valueDim) implements Scan {
    @Override
    public long numbers() {
        return (long) heads * keyDim * valueDim;
    }

    @Override
    public Scanned run(Tensor[] inputs, Tensor state) {
        Chunks c = Chunks.of(inputs[0].size(0), heads, inputs[0].size(1));
        long times = heads / keyHeads;
        Tensor q = c.cutRepeated(inputs[0], times); // (Z, C, k), Z = B H M
        Tensor k = c.cutRepeated(inputs[1], times); // (Z, C, k)
        Tensor beta = c.cut(inputs[4]); // (Z, C, 1)
        Tensor v = c.cut(inputs[2]).mul(beta); // (Z, C, v)
        Tensor log = c.cut(inputs[3]).cumSum(1); // (Z, C, 1)
        Tensor grown = log.exp();
        Tensor decays = c.decays(log); // (Z, C, C)
        Tensor betaK = k.mul(beta);
        Tensor w = betaK.mul(grown); // (Z, C, k)
        Tensor transposed = k.transpose(1, 2);
        if (c.size() > 1) {
            Tensor t = solved(betaK.bmm(transposed).mul(decays), c);
            v = t.bmm(v);
            w = t.bmm(w);
        }
        Tensor left = log.narrow(1, c.size() - 1, 1).sub(log).exp(); // (Z, C, 1)
        Tensor kept = k.mul(left).transpose(1, 2); // (Z, k, C)
        Tensor whole = grown.narrow(1, c.size() - 1, 1); // (Z, 1, 1)
        Tensor s = state.reshape(c.sequences() * heads, keyDim, valueDim);
        Tensor[] before = new Tensor[Math.toIntExact(c.count())];
        Tensor[] values = new Tensor[before.length];
        for (int m = 0; m < before.length; m++) {
            before[m] = s;
            values[m] = c.chunk(v, m).sub(c.chunk(w, m).bmm(s)); // (B H, C, v)
            s = s.mul(c.chunk(whole, m)).add(c.chunk(kept, m).bmm(values[m]));
        }
        Tensor scores = q.bmm(transposed).mul(decays); // (Z, C, C)
        Tensor out = q.mul(grown).bmm(c.stacked(before)).add(scores.bmm(c.stacked(values)));
        return new Scanned(c.joined(out), s.reshape(c.sequences(), numbers()));
    }

    /// `T`.
    ///
    /// @param products `β k kᵀ ∘ D`, `(Z, C, C)`
    private static Tensor solved(Tensor products, Chunks c) {
        return UnitTriangles.inverses(products.mul(c.triangle(products.device(), false)));
    }

    /// Bytes that [#run] makes of a token with autograd, at most.
    long expressionBytes() {
        long state = (long) keyDim * valueDim / CHUNK + 1;
        return (long) Float.BYTES * heads * (9L * keyDim + 7L * valueDim + 9L * CHUNK + 4 * state);
    }
}
