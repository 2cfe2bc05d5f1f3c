package org.attune.optim;

import org.attune.policy.ParameterSpace;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;

import java.util.List;

/// A parameter space without a model.
public final class FlatParameters implements ParameterSpace, AutoCloseable {
    private final List<Parameter> parameters;
    private final TensorScope scope = TensorScope.detached("flat parameters");
    private final Tensor values;
    private final Tensor gradients;
    private int changes;

    public FlatParameters(List<Parameter> parameters, float[] start) {
        this(parameters, start, Devices.usual());
    }

    public FlatParameters(List<Parameter> parameters, float[] start, Device device) {
        this.parameters = List.copyOf(parameters);
        try (var _ = scope.enter()) {
            values = Tensor.of(device, start, start.length);
            gradients = Tensor.zeros(device, DType.FLOAT32, start.length);
        }
    }

    /// What an optimizer of [Devices#usual] keeps here and there of a norm and a factor.
    static long bytesOfClipping(OptimizerKind kind) {
        return kind.clipsThere(Devices.usual()) ? 2 * 2L * Double.BYTES : 0;
    }

    public void setGradients(float[] g) {
        try (var _ = TensorScope.open("set")) {
            gradients.copyInPlace(Tensor.of(values.device(), g, g.length));
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

    @Override
    public void valuesChanged() {
        changes++;
    }

    public int changes() {
        return changes;
    }

    @Override
    public void close() {
        scope.close();
    }
}
