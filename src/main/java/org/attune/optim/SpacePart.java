package org.attune.optim;

import org.attune.policy.ParameterSpace;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Some of a space's numbers as a space: parameters that reach over its ends are parts of
/// themselves. Its tensors are views; who changes values tells the whole space.
record SpacePart(
        Tensor values, Tensor gradients, List<Parameter> parameters, List<List<Parameter>> groups)
        implements ParameterSpace {
    /// @param scope of the views
    /// @param whole keeps all its gradients
    /// @param start first number
    /// @param length how many, ≥ 0
    static SpacePart of(TensorScope scope, ParameterSpace whole, long start, long length) {
        if (whole.sharesGradients()) {
            throw new IllegalArgumentException("a part of a space whose gradients aren't kept");
        }
        long end = start + length;
        try (var _ = scope.enter()) {
            return new SpacePart(
                    whole.values().narrow(0, start, length),
                    whole.gradients().narrow(0, start, length),
                    within(whole.parameters(), start, end),
                    whole.groups().stream().map(group -> within(group, start, end)).toList());
        }
    }

    private static List<Parameter> within(List<Parameter> parameters, long start, long end) {
        List<Parameter> parts = new ArrayList<>();
        for (Parameter p : parameters) {
            long from = Math.max(start, p.offset());
            long to = Math.min(end, p.offset() + p.count());
            if (from < to) {
                long[] shape = shape(p, to - from);
                parts.add(new Parameter(p.name(), shape, from - start, p.decays()));
            }
        }
        return List.copyOf(parts);
    }

    /// Of some of a parameter's numbers; what it is called a vector or a matrix by stays.
    private static long[] shape(Parameter whole, long count) {
        if (count == whole.count()) {
            return whole.shape();
        }
        long[] shape = new long[whole.shape().length];
        Arrays.fill(shape, 1);
        shape[0] = count;
        return shape;
    }

    @Override
    public void valuesChanged() {}
}
