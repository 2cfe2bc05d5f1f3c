package org.attune.tensor;

/// Views of tensors. Where autograd needs not know of them they are made directly: libtorch's
/// operators take several times as long, and a step makes a thousand.
final class Views {
    private Views() {}

    /// [Tensor#narrow].
    static Tensor narrow(Tensor x, int axis, long start, long length) {
        int at = fromFront(x, axis);
        if (isDirect(x, at) && start >= 0 && length >= 0 && start + length <= x.shape()[at]) {
            long[] sizes = x.shape().clone();
            long[] strides = x.strides();
            sizes[at] = length;
            return x.viewAs(sizes, strides, start * strides[at]);
        }
        return Operators.NARROW.with(x).with((long) axis).with(start).with(length).call();
    }

    /// [Tensor#transpose].
    static Tensor transposed(Tensor x, int a, int b) {
        int first = fromFront(x, a);
        int second = fromFront(x, b);
        if (isDirect(x, first) && isDirect(x, second)) {
            return x.viewAs(
                    swapped(x.shape(), first, second), swapped(x.strides(), first, second), 0);
        }
        return Operators.TRANSPOSE.with(x).with((long) a).with((long) b).call();
    }

    private static int fromFront(Tensor x, int axis) {
        return axis < 0 ? axis + x.dim() : axis;
    }

    /// Whether there is such an axis, and autograd is off; else the operator says what is wrong.
    private static boolean isDirect(Tensor x, int axis) {
        Engine.requireEngineThread();
        return axis >= 0 && axis < x.dim() && !Libtorch.gradMode();
    }

    private static long[] swapped(long[] values, int a, int b) {
        long[] result = values.clone();
        result[a] = values[b];
        result[b] = values[a];
        return result;
    }
}
