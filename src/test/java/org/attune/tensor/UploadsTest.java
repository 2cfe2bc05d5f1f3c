package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.testing.Devices;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/// Small arrays on their way to a GPU, and the pinned memory in which they wait.
class UploadsTest {
    private static final int ARRAYS = 400;
    private static final long SHAPE = 1000;

    private static void onEngine(Runnable body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        body.run();
                    }
                });
    }

    /// Of several places' worth: none is written twice while something may still come from it.
    @ParameterizedTest
    @MethodSource("org.attune.testing.Devices#gpus")
    void arraysKeepTheirNumbers(Device device) {
        var random = RandomSource.XO_RO_SHI_RO_128_PP.create(5L);
        onEngine(
                () -> {
                    List<float[]> floats = new ArrayList<>();
                    List<long[]> longs = new ArrayList<>();
                    List<Tensor> sent = new ArrayList<>();
                    long bytes = 0;
                    for (int i = 0; i < ARRAYS; i++) {
                        float[] x = new float[1 + random.nextInt(10_000)];
                        long[] n = random.longs(1 + random.nextInt(7)).toArray();
                        for (int k = 0; k < x.length; k++) {
                            x[k] = random.nextFloat();
                        }
                        floats.add(x);
                        longs.add(n);
                        sent.add(Tensor.of(device, x, x.length));
                        sent.add(Tensor.of(device, n, n.length));
                        bytes += (long) Float.BYTES * x.length;
                        if (random.nextInt(3) == 0) { // computes, so what gathered is sent
                            Tensor last = sent.get(2 * random.nextInt(i + 1));
                            last.mul(2).close();
                        }
                    }
                    assertTrue(bytes > 6_000_000, bytes + " bytes need one place only");
                    for (int i = 0; i < ARRAYS; i++) {
                        assertArrayEquals(floats.get(i), sent.get(2 * i).toFloats());
                        assertArrayEquals(longs.get(i), sent.get(2 * i + 1).toLongs());
                    }
                });
    }

    /// A libtorch without CUDA has no pinned memory. It says so, and goes on.
    @Test
    void withoutAGpuThereIsNoPinnedMemory() {
        onEngine(
                () -> {
                    if (Devices.gpus().count() == 1) {
                        long[] shape = {SHAPE};
                        assertEquals(0, Libtorch.emptyPinned(shape, DType.INT64.scalarType()));
                        Tensor x = Tensor.full(Device.cpu(), DType.FLOAT32, 2, 3);
                        assertArrayEquals(new float[] {4, 4, 4}, x.mul(x).toFloats());
                    }
                });
    }

    @Test
    @Tag("gpu")
    void pinnedMemoryIsSentWithoutWaiting() {
        onEngine(
                () -> {
                    Device gpu = Device.parse("cuda:0");
                    long[] shape = {SHAPE};
                    long handle = Libtorch.emptyPinned(shape, DType.INT64.scalarType());
                    assertTrue(handle != 0 || Engine.libtorch().version().startsWith("2.7"));
                    if (handle != 0) {
                        Tensor here = Tensor.adopt(handle, false, Device.cpu());
                        MemorySegment numbers = here.memory();
                        for (int i = 0; i < SHAPE; i++) {
                            numbers.setAtIndex(ValueLayout.JAVA_LONG, i, 3L * i);
                        }
                        Tensor there = Tensor.empty(gpu, DType.INT64, shape);
                        Operators.SEND.with(there).with(here).with(true).call();
                        assertArrayEquals(here.toLongs(), there.toLongs());
                    }
                });
    }
}
