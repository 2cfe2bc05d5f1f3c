package org.attune.model.layer;

import static org.attune.testing.TensorAssert.assertClose;

import org.attune.tensor.Autograd;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/// Hand-written passes of norms against autograd's.
class NormTest {
    private static final int ROWS = 5;
    private static final int WIDTH = 12;

    private static Tensor random(String name, long... shape) {
        var random = TinyModels.random(name);
        long count = 1;
        for (long d : shape) {
            count *= d;
        }
        float[] values = new float[(int) count];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat() * 2 - 0.7f;
        }
        return Tensor.of(Devices.usual(), values, shape);
    }

    private static Weight trained(String name) {
        var weight = new Weight(name, random(name, WIDTH));
        weight.trainBase(Tensor.zeros(Devices.usual(), DType.FLOAT32, WIDTH));
        return weight;
    }

    @Test
    void layerNormsPassesEqualAutograds() {
        check(() -> new LayerNorm(trained("norm.weight"), trained("norm.bias"), 1e-5));
    }

    @Test
    void rmsNormsPassesEqualAutogradsWithAnOffset() {
        for (double offset : new double[] {0, 1}) {
            check(() -> new RmsNorm(trained("norm.weight"), 1e-5, offset));
        }
    }

    private static void check(Supplier<Norm> made) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        check(made.get());
                    }
                });
    }

    private static void check(Norm norm) {
        Tensor x = random("x", ROWS, WIDTH);
        Tensor dy = random("dy", ROWS, WIDTH);
        Tensor wide = Tensor.zeros(Devices.usual(), DType.FLOAT32, ROWS, WIDTH + 3L);
        Tensor statistics = norm.forward(x, wide, Adapter.OFF);
        Tensor dx = norm.backward(dy, x, statistics, Adapter.OFF);

        Tensor input = x.detach().requireGradient(true);
        List<Tensor> leaves =
                norm.weights().stream().map(w -> w.base().detach().requireGradient(true)).toList();
        Function<Weight, Tensor> values = w -> leaves.get(norm.weights().indexOf(w));
        Tensor y;
        try (var _ = Autograd.enabled()) {
            y = norm.apply(input, values);
            y.backward(dy);
        }
        assertClose("y", y.detach().toFloats(), floats(wide.narrow(1, 0, WIDTH)), 1e-5, 1e-5);
        assertClose("dx", input.gradient().toFloats(), dx.toFloats(), 1e-5, 1e-5);
        for (int i = 0; i < leaves.size(); i++) {
            Weight weight = norm.weights().get(i);
            float[] gradient = weight.gradient(Adapter.OFF).toFloats();
            assertClose(weight.name(), leaves.get(i).gradient().toFloats(), gradient, 1e-5, 1e-5);
        }
    }

    private static float[] floats(Tensor view) {
        return view.contiguous().toFloats();
    }
}
