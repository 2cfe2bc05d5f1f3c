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
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/// Hand-written passes of norms against autograd's.
class NormTest {
    private static final int ROWS = 5;
    private static final int HEADS = 2;
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
        return trained(name, WIDTH);
    }

    private static Weight trained(String name, long... shape) {
        var weight = new Weight(name, random(name, shape));
        weight.trainBase(Tensor.zeros(Devices.usual(), DType.FLOAT32, shape));
        return weight;
    }

    @Test
    void layerNormsPassesEqualAutograds() {
        for (double offset : new double[] {0, 1}) {
            check(
                    () ->
                            new LayerNorm(
                                    trained("norm.weight"),
                                    Optional.of(trained("norm.bias")),
                                    1e-5,
                                    offset));
            check(() -> new LayerNorm(trained("norm.weight"), Optional.empty(), 1e-5, offset));
        }
    }

    @Test
    void normsOfEachHeadEqualAutograds() {
        check(() -> ofHeads(trained("norm.weight", HEADS, WIDTH)), ROWS, HEADS, WIDTH);
        check(
                () ->
                        new EachHead(
                                List.of(
                                        ofHeads(trained("norms.0.weight")),
                                        ofHeads(trained("norms.1.weight")))),
                ROWS,
                HEADS,
                WIDTH);
    }

    @Test
    void normsWithoutWeightsEqualAutograds() {
        check(() -> new BareNorm(1e-5, false));
        check(() -> new BareNorm(1e-5, true));
    }

    private static LayerNorm ofHeads(Weight weight) {
        return new LayerNorm(weight, Optional.empty(), 1e-5, 0);
    }

    /// Of the head (1, 2, 6) the mean is 3 and the variance 14 / 3, of (3, 3, 9) 5 and 8.
    @Test
    void eachHeadIsNormedByItsOwnWeight() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        float[] w = {1, 2, 3, 10, 20, 30};
                        Tensor x =
                                Tensor.of(Devices.usual(), new float[] {1, 2, 6, 3, 3, 9}, 1, 2, 3);
                        float[] expected = new float[6];
                        float[] centred = {-2, -1, 3, -2, -2, 4};
                        for (int i = 0; i < 6; i++) {
                            double variance = i < 3 ? 14 / 3.0 : 8;
                            expected[i] = (float) (w[i] * centred[i] / Math.sqrt(variance));
                        }
                        var one = new Weight("n.weight", Tensor.of(Devices.usual(), w, 2, 3));
                        Tensor out = Tensor.zeros(Devices.usual(), DType.FLOAT32, 1, 2, 3);
                        new LayerNorm(one, Optional.empty(), 0, 0).forward(x, out, Adapter.OFF);
                        assertClose("one tensor", expected, out.toFloats(), 1e-5, 0);
                        Tensor minusOne = Tensor.of(Devices.usual(), new float[] {0, 1, 2}, 3);
                        var offset =
                                new LayerNorm(
                                        new Weight("o.weight", minusOne), Optional.empty(), 0, 1);
                        Tensor first = x.narrow(1, 0, 1);
                        offset.forward(first, out.narrow(1, 0, 1), Adapter.OFF);
                        assertClose("weight + 1", expected, out.toFloats(), 1e-5, 0);
                    }
                });
    }

    @Test
    void rmsNormsPassesEqualAutogradsWithAnOffset() {
        for (double offset : new double[] {0, 1}) {
            check(() -> new RmsNorm(trained("norm.weight"), 1e-5, offset));
        }
    }

    private static void check(Supplier<Norm> made) {
        check(made, ROWS, WIDTH);
    }

    private static void check(Supplier<Norm> made, long... shape) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        check(made.get(), shape);
                    }
                });
    }

    private static void check(Norm norm, long... shape) {
        Tensor x = random("x", shape);
        Tensor dy = random("dy", shape);
        long[] wider = shape.clone();
        wider[shape.length - 1] += 3;
        Tensor wide = Tensor.zeros(Devices.usual(), DType.FLOAT32, wider);
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
        assertClose(
                "y", y.detach().toFloats(), floats(wide.narrow(Tensor.LAST, 0, WIDTH)), 1e-5, 1e-5);
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
