package org.attune.policy;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

/// The entropy of a distribution among its most probable tokens alone:
/// [HeadStatistic#TOP_ENTROPY].
final class TopEntropy {
    private TopEntropy() {}

    /// The entropies of a chunk's targets, float32 `(n, 1)`.
    ///
    /// @param z logits, `(n, V)`; stay as they are
    /// @param scale makes them logits over the temperature
    static Tensor of(Tensor z, double scale) {
        long k = Math.min(HeadStatistic.TOP, z.size(1));
        Tensor logP = // (n, k)
                z.topK(k)[0].to(DType.FLOAT32).mul(scale).logSoftmax(Tensor.LAST);
        return logP.exp().mul(logP).sum(Tensor.LAST, true).neg();
    }
}
