package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

/// The largest singular directions of a matrix without a whole decomposition.
final class SingularDirections {
    private SingularDirections() {}

    /// Singular directions by power iterations from random ones, [Halko et al. 2009, Algorithms 4.4
    /// and 5.1](https://arxiv.org/abs/0909.4061).
    ///
    /// @param w on the processor, float32
    /// @param count of directions, at most the matrix's smaller side
    /// @return `U`, `S` and `V` with that many columns
    static Tensor[] of(Tensor w, int count, int iterations, UniformRandomProvider random) {
        boolean wide = w.size(0) < w.size(1);
        Tensor m = wide ? w.t() : w; // (n, k) with n ≥ k
        float[] drawn = LoraModule.normal(m.size(1) * count, 1, random);
        Tensor q = m.mm(Tensor.of(Device.cpu(), drawn, m.size(1), count)).qr()[0]; // (n, count)
        for (int i = 0; i < iterations; i++) {
            q = m.mm(m.t().mm(q).qr()[0]).qr()[0];
        }
        Tensor[] usv = q.t().mm(m).svd();
        Tensor left = q.mm(usv[0]); // (n, count)
        return wide ? new Tensor[] {usv[2], usv[1], left} : new Tensor[] {left, usv[1], usv[2]};
    }
}
