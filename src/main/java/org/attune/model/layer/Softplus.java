package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// `softplus(x) = ln(1 + e^x)`.
final class Softplus {
    private Softplus() {}

    static Tensor of(Tensor x) {
        return x.neg().logSigmoid().neg();
    }
}
