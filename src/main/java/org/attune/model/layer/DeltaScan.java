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
/// A decay of each channel of a key stands inside of the products instead ([ChannelDecays]):
/// ```
/// S ← diag(e^g) S
/// ```
/// Inputs: `q` and `k` of the key heads, `v` of the value heads, `g` and `β` of each of those.
///
/// @param keyHeads of which each serves as many value heads
/// @param heads value heads, `H`
/// @param keyDim features of a key
/// @param valueDim features of a value
/// @param byChannel whether `g` has a number for each channel of a key, not for each head
record DeltaScan(int keyHeads, int heads, int keyDim, int valueDim, boolean byChannel)
        implements Scan {
    /// A rule with one decay for each head.
    DeltaScan(int keyHeads, int heads, int keyDim, int valueDim) {
        this(keyHeads, heads, keyDim, valueDim, false);
    }

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
        Tensor log = c.cut(inputs[3]).cumSum(1); // (Z, C, 1), or (Z, C, k)
        Tensor grown = log.exp();
        Products products = products(c, log);
        Tensor betaK = k.mul(beta);
        Tensor w = betaK.mul(grown); // (Z, C, k)
        if (c.size() > 1) {
            Tensor t = solved(products.of(betaK, k), c);
            v = t.bmm(v);
            w = t.bmm(w);
        }
        Tensor left = log.narrow(1, c.size() - 1, 1).sub(log).exp(); // as log
        Tensor kept = k.mul(left).transpose(1, 2); // (Z, k, C)
        Tensor whole = grown.narrow(1, c.size() - 1, 1).transpose(1, 2); // (Z, 1, 1) or (Z, k, 1)
        Tensor s = state.reshape(c.sequences() * heads, keyDim, valueDim);
        Tensor[] before = new Tensor[Math.toIntExact(c.count())];
        Tensor[] values = new Tensor[before.length];
        for (int m = 0; m < before.length; m++) {
            before[m] = s;
            values[m] = c.chunk(v, m).sub(c.chunk(w, m).bmm(s)); // (B H, C, v)
            s = s.mul(c.chunk(whole, m)).add(c.chunk(kept, m).bmm(values[m]));
        }
        Tensor scores = products.of(q, k); // (Z, C, C)
        Tensor out = q.mul(grown).bmm(c.stacked(before)).add(scores.bmm(c.stacked(values)));
        return new Scanned(c.joined(out), s.reshape(c.sequences(), numbers()));
    }

    /// Decayed products of tokens, `a bᵀ ∘ D` where `j ≤ i`.
    private interface Products {
        /// @param a `(Z, C, k)`
        /// @param b `(Z, C, k)`
        /// @return `(Z, C, C)`
        Tensor of(Tensor a, Tensor b);
    }

    private Products products(Chunks c, Tensor log) {
        if (byChannel) {
            return (a, b) -> ChannelDecays.products(a, b, log);
        }
        Tensor decays = c.decays(log); // (Z, C, C)
        return (a, b) -> a.bmm(b.transpose(1, 2)).mul(decays);
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
        long products = byChannel ? 2 * ChannelDecays.numbers(keyDim) : 0;
        long own = 9L * keyDim + 7L * valueDim + 9L * CHUNK + 4 * state + products;
        return own * heads * Float.BYTES;
    }
}
