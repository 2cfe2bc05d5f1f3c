package org.attune.policy;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.List;

/// Flat float32 values and gradients with named views. Long-lived tensors belong to the given
/// scope.
final class FlatParameters implements ParameterSpace {
    private final List<Parameter> parameters;
    private final Tensor values;
    private final Tensor gradients;
    private final List<Runnable> listeners = new ArrayList<>();

    /// @param trained whether there are gradients
    FlatParameters(TensorScope owner, Device device, List<Parameter> parameters, boolean trained) {
        this.parameters = List.copyOf(parameters);
        long size = parameters.stream().mapToLong(Parameter::count).sum();
        try (var _ = owner.enter()) {
            values = Tensor.zeros(device, DType.FLOAT32, size);
            gradients = Tensor.zeros(device, DType.FLOAT32, trained ? size : 0);
        }
    }

    /// Collects parameters in flat order.
    static final class Plan {
        private final List<Parameter> parameters = new ArrayList<>();
        private long offset;

        Parameter add(String name, boolean decays, long... shape) {
            var p = new Parameter(name, shape, offset, decays);
            offset += p.count();
            parameters.add(p);
            return p;
        }

        List<Parameter> parameters() {
            return parameters;
        }
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

    /// The master value of a parameter in its shape, a view in the current scope.
    Tensor value(Parameter p) {
        return values.narrow(0, p.offset(), p.count()).reshape(p.shape());
    }

    /// The gradient of a parameter in its shape, a view in the current scope.
    Tensor gradient(Parameter p) {
        return gradients.narrow(0, p.offset(), p.count()).reshape(p.shape());
    }

    /// Registers a refresh of compute copies.
    void onChange(Runnable refresh) {
        listeners.add(refresh);
    }

    @Override
    public void valuesChanged() {
        listeners.forEach(Runnable::run);
    }
}
