package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.testing.Devices;
import org.junit.jupiter.api.Test;

import java.util.Map;
import java.util.function.Consumer;

/// Graphs on the simulated GPU.
class DeviceGraphTest {
    private static final Device GPU = Devices.simulated();
    private static final int WIDTH = 8;

    private static Tensor halves(double value) {
        return Tensor.full(GPU, DType.FLOAT32, value, 2, WIDTH).to(DType.BFLOAT16);
    }

    private static void test(Runnable body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        body.run();
                    }
                });
    }

    private static float first(Tensor x) {
        return x.to(DType.FLOAT32).toFloats()[0];
    }

    /// A kernel and a product: `out = (x + bias) I`.
    private static final class Step implements Runnable {
        private final Tensor x = halves(0);
        private final Tensor bias = halves(1).select(0, 0);
        private final Tensor unit;
        private final Tensor out = halves(0);

        Step() {
            float[] numbers = new float[WIDTH * WIDTH];
            for (int i = 0; i < WIDTH; i++) {
                numbers[i * (WIDTH + 1)] = 1;
            }
            unit = Tensor.of(GPU, numbers, WIDTH, WIDTH).to(DType.BFLOAT16);
        }

        @Override
        public void run() {
            DeviceKernels.addBias(x, bias);
            try (var _ = TensorScope.open("step")) {
                Kernels.mm(x, unit.t(), out);
            }
        }
    }

    @Test
    void launchesAreMadeAgainFromWhatStandsThere() {
        test(
                () -> {
                    var step = new Step();
                    try (DeviceGraph graph = DeviceGraph.record(GPU, step)) {
                        assertEquals(1, first(step.out), "computed once by ordinary launches");
                        step.x.copyInPlace(halves(5));
                        DeviceTraffic.start();
                        graph.launch();
                        assertEquals(
                                Map.of("cuGraphLaunch", 1L), DeviceTraffic.stop().byOperator());
                        assertEquals(6, first(step.out));
                        graph.launch();
                        assertEquals(7, first(step.out));
                    }
                });
    }

    @Test
    void recordingComputesNothing() {
        test(
                () -> {
                    int[] runs = new int[1];
                    Tensor x = halves(0);
                    Tensor bias = halves(1).select(0, 0);
                    DeviceTraffic.start();
                    DeviceGraph.record(
                                    GPU,
                                    () -> {
                                        runs[0]++;
                                        DeviceKernels.addBias(x, bias);
                                    })
                            .close();
                    assertEquals(Map.of("attune_add_bias", 1L), DeviceTraffic.stop().byOperator());
                    assertEquals(2, runs[0]);
                    assertEquals(1, first(x));
                });
    }

    /// What depends on a number of the host is as it was when it was recorded.
    @Test
    void numbersOfTheHostStayAsTheyWere() {
        test(
                () -> {
                    Tensor x = halves(0);
                    Tensor[] biases = {halves(1).select(0, 0), halves(10).select(0, 0)};
                    int[] which = new int[1];
                    try (DeviceGraph graph =
                            DeviceGraph.record(
                                    GPU, () -> DeviceKernels.addBias(x, biases[which[0]]))) {
                        which[0] = 1;
                        graph.launch();
                        assertEquals(2, first(x));
                    }
                });
    }

    @Test
    void memoryLivesAsLongAsTheGraph() {
        test(
                () -> {
                    Tensor out;
                    DeviceGraph graph;
                    try (var scope = TensorScope.open("step")) {
                        var step = new Step();
                        scope.keep(step.out);
                        graph = DeviceGraph.record(GPU, step);
                        out = step.out;
                    }
                    for (int i = 0; i < 20; i++) {
                        halves(100 + i); // which would get freed memory
                    }
                    graph.launch();
                    assertEquals(2, first(out));
                    long kept = TensorScope.liveTensors();
                    graph.close();
                    assertEquals(5, kept - TensorScope.liveTensors());
                });
    }

    /// What can't be made again by itself isn't recorded.
    private static void assertRefused(String reason, Consumer<Tensor> call) {
        test(
                () -> {
                    Tensor x = halves(3);
                    long held = TensorScope.liveTensors();
                    var refused =
                            assertThrows(
                                    DeviceGraph.Refused.class,
                                    () ->
                                            DeviceGraph.record(
                                                    GPU,
                                                    () -> {
                                                        try (var _ = TensorScope.open("step")) {
                                                            call.accept(x);
                                                        }
                                                    }));
                    assertTrue(refused.getMessage().contains(reason), refused::getMessage);
                    assertEquals(held, TensorScope.liveTensors(), "nothing is kept");
                    float[] after = x.mul(x).to(DType.FLOAT32).toFloats();
                    assertEquals(9, after[0], "calls are made again");
                });
    }

    @Test
    void whatCannotBeRepeatedIsRefused() {
        assertRefused("aten::mul.Tensor", x -> x.mul(x));
        assertRefused("new memory", x -> Tensor.empty(GPU, DType.FLOAT32, 2));
        assertRefused("an upload", x -> Tensor.of(GPU, new float[] {1}, 1));
        assertRefused("another device", x -> x.to(DType.BFLOAT16).toFloats());
        assertRefused("a wait", _ -> GPU.finish());
        assertRefused("this operator", x -> x.add(x));
        assertRefused("aten::zero_", x -> x.narrow(0, 0, 0).zeroInPlace());
        assertRefused("aten::addmm.out", x -> Kernels.addmm(x, x.narrow(1, 0, 2), x, 1, 0));
    }

    @Test
    void errorsOfTheFirstComputationAreThrown() {
        test(
                () -> {
                    var error =
                            assertThrows(
                                    IllegalArgumentException.class,
                                    () ->
                                            DeviceGraph.record(
                                                    GPU,
                                                    () -> {
                                                        throw new IllegalArgumentException("mine");
                                                    }));
                    assertEquals("mine", error.getMessage());
                    assertThrows(
                            IllegalArgumentException.class,
                            () -> DeviceGraph.record(Device.cpu(), () -> {}));
                    assertArrayEquals(
                            new float[] {2}, Tensor.of(GPU, new float[] {2}, 1).toFloats());
                });
    }
}
