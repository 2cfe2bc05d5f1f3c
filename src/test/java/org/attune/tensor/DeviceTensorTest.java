package org.attune.tensor;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.ShapeException;
import org.attune.testing.TinyModels;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.function.UnaryOperator;

/// The same on every device: creation, copies both ways, products, gradients, errors, memory.
class DeviceTensorTest {
    private static void onEngine(Runnable body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        body.run();
                    }
                });
    }

    private static float[] values(String name, int count) {
        var random = TinyModels.random(name);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = 2 * random.nextFloat() - 1;
        }
        return values;
    }

    /// Compares what a device gives with what the CPU gives.
    private static void same(
            Device device, DType dtype, double tolerance, UnaryOperator<Tensor> expression) {
        onEngine(
                () -> {
                    float[] x = values("x", 24);
                    Tensor there = expression.apply(Tensor.of(device, x, 4, 6).to(dtype));
                    assertEquals(device, there.device());
                    Tensor here = expression.apply(Tensor.of(Device.cpu(), x, 4, 6).to(dtype));
                    assertClose("on " + device, here.toFloats(), there.toFloats(), tolerance, 0);
                });
    }

    @ParameterizedTest
    @MethodSource("org.attune.testing.Devices#all")
    void copiesComeBackUnchanged(Device device) {
        onEngine(
                () -> {
                    float[] x = values("copies", 7); // values that no memory has from other tests
                    Tensor t = Tensor.of(device, x, 7);
                    assertEquals(device, t.device());
                    assertArrayEquals(x, t.toFloats());
                    assertArrayEquals(
                            new long[] {3, 1},
                            Tensor.ofInts(device, new int[] {3, 1}, 2).toLongs());
                    assertEquals(2.5, Tensor.full(device, DType.FLOAT64, 2.5, 1).item());
                });
    }

    @ParameterizedTest
    @MethodSource("org.attune.testing.Devices#all")
    void operatorsAgreeWithTheCpu(Device device) {
        same(device, DType.FLOAT32, 1e-6, x -> x.silu().add(x.exp()).mul(0.5));
        same(device, DType.FLOAT32, 1e-5, x -> x.mm(x.t()));
        same(device, DType.FLOAT32, 1e-6, x -> x.softmax(Tensor.LAST).sub(x.mean(1, true)));
        same(device, DType.FLOAT32, 1e-6, x -> x.logSoftmax(Tensor.LAST).narrow(1, 2, 3));
        same(device, DType.FLOAT32, 0, x -> x.argmax(Tensor.LAST));
        same(device, DType.BFLOAT16, 2e-2, x -> x.mm(x.t()).silu());
    }

    @ParameterizedTest
    @MethodSource("org.attune.testing.Devices#all")
    void gradientsAgreeWithTheCpu(Device device) {
        same(
                device,
                DType.FLOAT32,
                1e-5,
                x -> {
                    Tensor leaf = x.copy().requireGradient(true);
                    try (var _ = Autograd.enabled()) {
                        leaf.mm(leaf.t()).sigmoid().sum().backward();
                    }
                    return leaf.gradient();
                });
    }

    @ParameterizedTest
    @MethodSource("org.attune.testing.Devices#all")
    void errorsAreExceptionsAndScopesFree(Device device) {
        onEngine(
                () -> {
                    long before = TensorScope.liveBytes();
                    try (var _ = TensorScope.open("inner")) {
                        Tensor a = Tensor.zeros(device, DType.FLOAT32, 2, 3);
                        assertThrows(ShapeException.class, () -> a.mm(a));
                    }
                    assertEquals(before, TensorScope.liveBytes());
                });
    }
}
