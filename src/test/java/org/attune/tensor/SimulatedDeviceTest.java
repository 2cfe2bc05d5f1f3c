package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.error.ConfigException;
import org.attune.error.ShapeException;
import org.attune.testing.Devices;
import org.attune.testing.SystemProperty;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.Map;
import java.util.function.Consumer;

/// The simulated GPU refuses what a GPU would, and its traffic is counted.
class SimulatedDeviceTest {
    private static final Device GPU = Devices.simulated();

    private static void withTensor(Consumer<Tensor> body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        // Computed there, so that nothing is on its way when a test begins.
                        body.accept(Tensor.of(GPU, new float[] {1, 2, 3, 4, 5, 6}, 2, 3).mul(1));
                    }
                });
    }

    private static DeviceTraffic.Counts counted(Runnable body) {
        DeviceTraffic.start();
        body.run();
        return DeviceTraffic.stop();
    }

    @Test
    void theProcessorMayNotLookAtItsTensors() {
        withTensor(
                x -> {
                    assertThrows(ShapeException.class, x::memory);
                    assertThrows(ShapeException.class, () -> Placement.address(x));
                    Tensor y = Tensor.empty(GPU, DType.FLOAT32, 2, 3);
                    assertThrows(ShapeException.class, () -> RowMemory.copy(x, y, 0));
                    assertThrows(ShapeException.class, () -> x.narrow(0, 0, 1).memory());
                    assertFalse(VectorKernels.serve(GPU, DType.FLOAT32));
                    assertFalse(PackedMatrix.isUseful(GPU, DType.BFLOAT16));
                });
    }

    @Test
    void resultsAndViewsLieWhereArgumentsDo() {
        withTensor(
                x -> {
                    for (Tensor t :
                            new Tensor[] {
                                x.narrow(1, 0, 2),
                                x.t(),
                                x.mm(x.t()),
                                x.reshape(6),
                                x.mul(2),
                                x.sum(),
                                x.to(DType.BFLOAT16),
                                x.topK(2)[1],
                                Tensor.cat(0, x, x)
                            }) {
                        assertEquals(GPU, t.device());
                    }
                    assertArrayEquals(new float[] {14, 32, 32, 77}, x.mm(x.t()).toFloats());
                });
    }

    @Test
    void tensorsOfTwoDevicesAreRefused() {
        withTensor(
                x -> {
                    Tensor host = Tensor.full(Device.cpu(), DType.FLOAT32, 1, 2, 3);
                    assertEquals(
                            "aten::mul.Tensor takes tensors of one device, got"
                                    + " FLOAT32[2, 3]@simulated FLOAT32[2, 3]; copy them to one"
                                    + " device first",
                            assertThrows(ShapeException.class, () -> x.mul(host)).getMessage());
                    assertThrows(ShapeException.class, () -> host.add(x));
                    assertThrows(ShapeException.class, () -> Tensor.cat(0, x, host));
                    assertThrows(
                            ShapeException.class,
                            () -> x.indexSelect(0, Tensor.ofInts(Device.cpu(), new int[1], 1)));
                    Tensor out = Tensor.empty(GPU, DType.FLOAT32, 2, 2);
                    assertThrows(ShapeException.class, () -> Kernels.addmm(out, host, x.t(), 0, 1));
                    x.mul(x); // a refused call leaves nothing behind
                });
    }

    @Test
    void operatorsCopiesAndWaitsAreCounted() {
        withTensor(
                x -> {
                    var counts = counted(() -> x.mm(x.t()).add(1).reshape(4).toFloats());
                    assertEquals(Map.of("aten::mm", 1L, "aten::add", 1L), counts.byOperator());
                    assertEquals(2, counts.launches());
                    assertEquals(0, counts.uploads());
                    assertEquals(1, counts.waits());
                    assertEquals(16, counts.downloadedBytes());

                    counts = counted(() -> x.copyInPlace(Tensor.of(GPU, new float[6], 2, 3)));
                    assertEquals(Map.of("aten::copy_", 1L), counts.byOperator());
                    assertEquals(1, counts.uploads());
                    assertEquals(32, counts.uploadedBytes(), "24 bytes and a gap");
                    assertEquals(0, counts.waits());

                    assertEquals(0, counted(() -> x.reshape(6)).launches(), "a view");
                    assertEquals(1, counted(() -> x.t().reshape(6)).launches(), "a copy");
                });
    }

    @Test
    void smallArraysMadeTogetherGoInOneCopy() {
        withTensor(
                x -> {
                    DeviceTraffic.start();
                    Tensor ids = Tensor.ofInts(GPU, new int[] {1, 0, 1}, 3);
                    Tensor half = Tensor.of(GPU, new float[] {0.5f}, 1);
                    Tensor doubles = Tensor.of(GPU, new double[] {Math.PI, 2}, 2, 1);
                    Tensor rows = x.indexSelect(0, ids);
                    assertArrayEquals(
                            new float[] {2, 2.5f, 3, 0.5f, 1, 1.5f, 2, 2.5f, 3},
                            rows.mul(half).toFloats());
                    assertArrayEquals(new double[] {Math.PI, 2}, doubles.toDoubles());
                    assertEquals(1, DeviceTraffic.stop().uploads());

                    DeviceTraffic.start();
                    x.mulInPlace(Tensor.of(GPU, new float[] {2}, 1)); // made within a call
                    Tensor zero = Tensor.of(GPU, new float[] {7, 7}, 2).zeroInPlace();
                    assertArrayEquals(new float[] {0, 0}, zero.toFloats());
                    assertEquals(2, DeviceTraffic.stop().uploads());
                    assertEquals(12, x.sum().mul(1 / 3.5).item(), 1e-6);
                });
    }

    @Test
    void arraysOutliveTheMemoryTheyGatherIn() {
        withTensor(
                x -> {
                    Tensor first = Tensor.of(GPU, new long[] {3, 5}, 2);
                    for (int i = 0; i < 12; i++) { // more than fit together
                        float[] many = new float[200_000];
                        Arrays.fill(many, i);
                        assertEquals(i, Tensor.of(GPU, many, many.length).mean().item(), 1e-4);
                    }
                    assertArrayEquals(new long[] {3, 5}, first.toLongs());
                    float[] large = new float[1 << 19];
                    large[large.length - 1] = 4;
                    assertEquals(4, Tensor.of(GPU, large, large.length).sum().item());
                    assertEquals(0, Tensor.of(GPU, new float[0], 0).size());
                });
    }

    @Test
    void thePropertyMakesItTheDeviceOfRuns() {
        assumeTrue(System.getProperty("attune.device") == null, "the simulated one is on");
        assertNotEquals(GPU, Device.parse("auto"));
        try (var _ = SystemProperty.set("attune.device", "simulated")) {
            assertEquals(GPU, Device.parse("auto"));
            assertEquals(Device.cpu(), Device.parse("cpu"));
        }
    }

    private static void assertUnknown(String device, String named) {
        var error = assertThrows(ConfigException.class, () -> Device.parse(device));
        assertTrue(
                error.getMessage()
                        .startsWith("device: \"" + named + "\" is not a device; use auto,"),
                error::getMessage);
    }

    @Test
    void cudaNeedsItsModule() {
        var module = Device.class.getResource("gpu/CudaGpus.class");
        assumeTrue(module == null, "attune-cuda is on the class path");
        for (String name : new String[] {"cuda", "cuda:1"}) {
            var error = assertThrows(ConfigException.class, () -> Device.parse(name));
            assertTrue(error.getMessage().contains("attune-cuda"), error::getMessage);
        }
    }

    @Test
    void kindsThatNobodyBringsAreRefused() {
        for (String name : new String[] {"tpu", "cpu:0", "cuda:", "CUDA", ""}) {
            assertUnknown(name, name);
        }
        try (var _ = SystemProperty.set("attune.device", "tpu")) {
            assertUnknown("auto", "tpu");
        }
        var error = assertThrows(ConfigException.class, () -> Device.parse("simulated:1"));
        assertTrue(
                error.getMessage().contains("does not exist; this machine has 1"),
                error::getMessage);
    }
}
