package org.attune.policy;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.Map;

/// The entropy of a distribution among its most probable tokens alone:
/// [HeadStatistic#TOP_ENTROPY].
final class TopEntropy {
    private TopEntropy() {}

    /// Adds the entropies of a chunk's targets where they are asked for.
    ///
    /// @param z logits, `(n, V)`; stay as they are
    /// @param scale makes them logits over the temperature
    /// @param from number of the first target
    static void add(
            Tensor z,
            double scale,
            int from,
            Map<HeadStatistic, float[]> values,
            HostResults results) {
        float[] entropies = values.get(HeadStatistic.TOP_ENTROPY);
        if (entropies != null) {
            results.add(of(z, scale), entropies, from);
        }
    }

    /// The entropies of a chunk's targets, float32 `(n, 1)`.
    ///
    /// @param z logits, `(n, V)`; stay as they are
    /// @param scale makes them logits over the temperature
    private static Tensor of(Tensor z, double scale) {
        long k = Math.min(HeadStatistic.TOP, z.size(1));
        Tensor logP = // (n, k)
                z.topK(k)[0].to(DType.FLOAT32).mul(scale).logSoftmax(Tensor.LAST);
        return logP.exp().mul(logP).sum(Tensor.LAST, true).neg();
    }
}
