package org.attune.ranks.mpi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.CollectiveException;
import org.attune.error.ShapeException;
import org.attune.ranks.RankSum;
import org.attune.ranks.SingleProcess;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.RankGpu;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.nccl.NcclLibrary;
import org.attune.testing.Devices;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.Optional;
import java.util.function.Consumer;

/// All calls of one rank: by NCCL's stand-in on the simulated GPU, by NCCL where there is a GPU.
final class NcclOneRankTest {
    private static final int[] SIZES = {0, 1, 7, 1000, (1 << 14) + 1, (1 << 20) + 3};

    private static NcclCollective join(Device device, RankSum sum) {
        var one = new SingleProcess();
        if (device.equals(Devices.simulated())) {
            return SimulatedGpus.join(one, new RankPlace(), sum);
        }
        Optional<NcclLibrary> nccl = NcclLibrary.find();
        Assumptions.assumeTrue(nccl.isPresent(), "libtorch brings no NCCL");
        RankGpu gpu = RankGpu.join(nccl.get(), nccl.get().uniqueId(), 0, 1, device);
        return new NcclCollective(one, new RankPlace(), gpu, sum);
    }

    private static void on(Device device, RankSum sum, Consumer<NcclCollective> body) {
        Engine.run(
                () -> {
                    try (var ranks = join(device, sum);
                            var _ = TensorScope.open("test")) {
                        body.accept(ranks);
                    }
                });
    }

    private static float[] numbers(int count) {
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (float) Math.sin(i);
        }
        return numbers;
    }

    @ParameterizedTest
    @MethodSource("org.attune.testing.Devices#gpus")
    void givesBackWhatItGets(Device device) {
        for (RankSum sum : RankSum.values()) {
            on(
                    device,
                    sum,
                    ranks -> {
                        for (int size : SIZES) {
                            float[] expected = numbers(size);
                            Tensor values = Tensor.of(device, expected, size);
                            ranks.allReduce("sum", values);
                            assertArrayEquals(expected, values.toFloats());
                            Tensor part = Tensor.zeros(device, DType.FLOAT32, size);
                            ranks.reduceScatter("part", values, new int[] {size}, part);
                            assertArrayEquals(expected, part.toFloats());
                            Tensor halves = values.to(DType.BFLOAT16);
                            Tensor whole = Tensor.zeros(device, DType.BFLOAT16, size);
                            ranks.allGather("halves", halves, whole);
                            ranks.broadcast("halves", whole, 0);
                            assertArrayEquals(halves.toFloats(), whole.toFloats());
                        }
                        assertEquals(0, ranks.times().sentBytes());
                        assertTrue(ranks.times().moveSeconds() > 0);
                    });
        }
    }

    @ParameterizedTest
    @MethodSource("org.attune.testing.Devices#gpus")
    void refusesPartsOnAnotherDevice(Device device) {
        on(
                device,
                RankSum.FIXED,
                ranks -> {
                    Tensor here = Tensor.zeros(Device.cpu(), DType.FLOAT32, 3);
                    Tensor there = Tensor.zeros(device, DType.FLOAT32, 3);
                    assertThrows(
                            ShapeException.class,
                            () -> ranks.reduceScatter("x", there, new int[] {3}, here));
                    assertThrows(ShapeException.class, () -> ranks.allGather("x", here, there));
                    ranks.allReduce("the processor's memory", here);
                });
    }

    @ParameterizedTest
    @MethodSource("org.attune.testing.Devices#gpus")
    void nothingGoesOnAfterAnAbort(Device device) {
        on(
                device,
                RankSum.FIXED,
                ranks -> {
                    Tensor values = Tensor.zeros(device, DType.FLOAT32, 3);
                    ranks.allReduce("sum", values);
                    ranks.abort();
                    ranks.abort();
                    assertThrows(CollectiveException.class, () -> ranks.allReduce("sum", values));
                });
    }
}
