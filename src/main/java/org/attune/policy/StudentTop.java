package org.attune.policy;

import org.attune.tensor.Tensor;

/// A teacher that is compared among the student's `K` most probable tokens of each target alone;
/// which these are is no part of the derivative. `C = K`, or `K + 1` with all others as one more
/// category.
///
/// @param whole knows the whole vocabulary; closed with this
/// @param count `K`, ≥ 1; all tokens of a smaller vocabulary
/// @param tail whether the others are a category. Else probabilities are conditional on the `K`
record StudentTop(Teacher whole, int count, boolean tail) implements Teacher {
    @Override
    public int targets() {
        return whole.targets();
    }

    /// `(n, K)`.
    private Tensor top(Tensor z) {
        return z.topK(Math.min(count, z.size(1)))[1];
    }

    @Override
    public Compared compared(Tensor z, int from, double temperature) {
        Compared all = whole.compared(z, from, temperature); // (n, V)
        Tensor ids = top(z); // (n, K)
        return new Compared(
                among(all.student().gather(1, ids)), among(all.teacher().gather(1, ids)));
    }

    /// `(n, C)`.
    private Tensor among(Tensor logProbs) {
        return tail ? TopTokens.withRest(logProbs) : logProbs.logSoftmax(Tensor.LAST);
    }

    @Override
    public Tensor slopes(Tensor z, Compared compared, Tensor weighted, int from) {
        return TopTokens.slopes(z, compared, weighted, top(z), tail); // (n, V)
    }

    @Override
    public void close() {
        whole.close();
    }
}
