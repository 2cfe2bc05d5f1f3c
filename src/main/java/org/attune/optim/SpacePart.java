package org.attune.optim;

import org.attune.policy.ParameterSpace;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Some of a space's numbers as a space: parameters that reach over its ends are parts of
/// themselves. Its tensors are views; who changes values tells the whole space.
final class SpacePart implements ParameterSpace {
    private final Tensor values;
    private final Tensor gradients;
    private final List<List<Parameter>> groups;
    private final List<Parameter> parameters;

    /// @param scope of the views
    /// @param whole keeps all its gradients
    /// @param start first number
    /// @param length how many, ≥ 0
    SpacePart(TensorScope scope, ParameterSpace whole, long start, long length) {
        if (whole.sharesGradients()) {
            throw new IllegalArgumentException("a part of a space whose gradients aren't kept");
        }
        try (var _ = scope.enter()) {
            values = whole.values().narrow(0, start, length);
            gradients = whole.gradients().narrow(0, start, length);
        }
        parameters = within(whole.parameters(), start, start + length);
        groups =
                whole.groups().stream().map(group -> within(group, start, start + length)).toList();
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
    public Tensor values() {
        return values;
    }

    @Override
    public Tensor gradients() {
        return gradients;
    }

    @Override
    public List<Parameter> parameters() {
        return parameters;
    }

    @Override
    public List<List<Parameter>> groups() {
        return groups;
    }

    @Override
    public void valuesChanged() {}
}
