package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// The recurrence of Mamba-2 ([Dao and Gu 2024, §6](https://arxiv.org/abs/2405.21060)), for each
/// head:
/// ```
/// S ← e^g S + B ⊗ x,     y = Cᵀ S
/// ```
/// In a chunk, with `G` the sums of `g` and `D_ij = e^(G_i - G_j)`:
/// ```
/// y = e^G C S + [C Bᵀ ∘ D]_(j ≤ i) x
/// S ← e^(G_C) S + Bᵀ (e^(G_C - G) x)
/// ```
/// Inputs: `x` of the heads, already times the step, `g` of each, `B` and `C` of the groups.
///
/// @param groups of heads with the same `B` and `C`
/// @param heads `H`
/// @param headDim features of `x` in a head
/// @param stateDim features of `B` and `C`
record StateSpaceScan(int groups, int heads, int headDim, int stateDim) implements Scan {
    @Override
    public long numbers() {
        return (long) heads * headDim * stateDim;
    }

    @Override
    public Scanned run(Tensor[] inputs, Tensor state) {
        Chunks c = Chunks.of(inputs[0].size(0), heads, inputs[0].size(1));
        long times = heads / groups;
        Tensor x = c.cut(inputs[0]); // (Z, C, d), Z = B H M
        Tensor log = c.cut(inputs[1]).cumSum(1); // (Z, C, 1)
        Tensor b = c.cutRepeated(inputs[2], times); // (Z, C, n)
        Tensor read = c.cutRepeated(inputs[3], times); // (Z, C, n)
        Tensor grown = log.exp();
        Tensor left = log.narrow(1, c.size() - 1, 1).sub(log).exp(); // (Z, C, 1)
        Tensor whole = grown.narrow(1, c.size() - 1, 1); // (Z, 1, 1)
        Tensor added = b.transpose(1, 2).bmm(x.mul(left)); // (Z, n, d)
        Tensor s = state.reshape(c.sequences() * heads, stateDim, headDim);
        Tensor[] before = new Tensor[Math.toIntExact(c.count())];
        for (int m = 0; m < before.length; m++) {
            before[m] = s;
            s = s.mul(c.chunk(whole, m)).add(c.chunk(added, m));
        }
        Tensor scores = read.bmm(b.transpose(1, 2)).mul(c.decays(log)); // (Z, C, C)
        Tensor out = read.mul(grown).bmm(c.stacked(before)).add(scores.bmm(x));
        return new Scanned(c.joined(out), s.reshape(c.sequences(), numbers()));
    }

    /// Bytes that [#run] makes of a token with autograd, at most.
    long expressionBytes() {
        long state = (long) headDim * stateDim / CHUNK + 1;
        return (long) Float.BYTES * heads * (4L * stateDim + 5L * headDim + 6L * CHUNK + 6 * state);
    }
}
