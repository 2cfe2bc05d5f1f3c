package org.attune.tensor;

/// Operators that few need, most of them optimizers.
public final class Elements {
    private Elements() {}

    /// The larger one of each two elements.
    public static Tensor maximum(Tensor a, Tensor b) {
        return Operators.MAXIMUM.with(a).with(b).call();
    }

    /// Each element, or the number of [−limit, limit] that is nearest to it. The gradient passes
    /// where the element lies within.
    public static Tensor clamped(Tensor x, double limit) {
        return Operators.CLAMP.with(x).with(bound(x, -limit)).with(bound(x, limit)).call();
    }

    /// [#clamped], where it stands.
    public static void clampInPlace(Tensor x, double limit) {
        Operators.CLAMP_.with(x).with(bound(x, -limit)).with(bound(x, limit)).call();
    }

    private static Tensor bound(Tensor x, double value) {
        return Tensor.full(x.device(), x.dtype(), value, 1);
    }

    public static Tensor abs(Tensor x) {
        return Operators.ABS.with(x).call();
    }

    /// The largest of all elements, 0-dimensional; NaN if one is.
    public static Tensor largest(Tensor x) {
        return Operators.MAX.with(x).call();
    }

    /// −1, 0 or 1.
    public static Tensor sign(Tensor x) {
        return Operators.SIGN.with(x).call();
    }

    /// `from ← from + weight (to − from)`.
    public static void blendInPlace(Tensor from, Tensor to, double weight) {
        from.addInPlace(to.sub(from).mul(weight));
    }

    /// Sum of the products of two vectors' numbers, `(n) · (n)`.
    public static Tensor dot(Tensor a, Tensor b) {
        return Operators.DOT.with(a).with(b).call();
    }

    /// Sets all elements to a number of the processor's memory, `()`. A copy would send it to a
    /// GPU first.
    static void fill(Tensor x, Tensor number) {
        if (x.device().isGpu()) {
            Operators.FILL_.with(x).with(number).call();
        } else {
            x.copyInPlace(number);
        }
    }
}
