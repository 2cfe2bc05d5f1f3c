package org.attune.optim;

import org.attune.tensor.Elements;
import org.attune.tensor.Tensor;

/// How large gradients are, for [GradientClipping].
public enum NormType {
    /// Sum of the sizes of all numbers.
    L1,
    /// Euclidean.
    L2,
    /// The largest size of a number.
    INF;

    /// The part that some numbers have of the norm, for [#join] and [#together].
    double part(Tensor numbers) {
        return switch (this) {
            case L1 -> Elements.abs(numbers).sum().item();
            case L2 -> numbers.square().sum().item();
            case INF -> Elements.largest(Elements.abs(numbers)).item();
        };
    }

    /// The part that some numbers have of the norm, left on the device, in as few calls as can be.
    Tensor partOnGpu(Tensor numbers) {
        return switch (this) {
            case L1 -> Elements.abs(numbers).sum();
            case L2 -> Elements.dot(numbers, numbers);
            case INF -> Elements.largest(Elements.abs(numbers));
        };
    }

    /// Two parts as one; not a number if one isn't.
    double join(double a, double b) {
        return this == INF ? Math.max(a, b) : a + b;
    }

    /// The norm of all parts joined.
    double together(double joined) {
        return this == L2 ? Math.sqrt(joined) : joined;
    }
}
