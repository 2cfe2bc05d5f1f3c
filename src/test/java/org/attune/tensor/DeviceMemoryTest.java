package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DeviceMemoryException;
import org.attune.testing.Devices;
import org.attune.testing.SimulatedMemory;
import org.junit.jupiter.api.Test;

import java.util.Map;

/// What a GPU's memory holds is known, and a full one is told.
class DeviceMemoryTest {
    private static final Device GPU = Devices.simulated();
    private static final long MIB = 1 << 20;

    private static DeviceMemory memory() {
        return GPU.memory().orElseThrow();
    }

    private static void onEngine(Runnable body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        body.run();
                    }
                });
    }

    @Test
    void tensorsAreCountedWhereTheyLie() {
        onEngine(
                () -> {
                    TensorScope.resetPeak();
                    long before = memory().live();
                    Tensor x = Tensor.zeros(GPU, DType.FLOAT32, MIB / 4);
                    Tensor y = x.mul(x);
                    var _ = x.narrow(0, 0, 5); // a view
                    var _ = Tensor.zeros(Device.cpu(), DType.FLOAT32, MIB);
                    assertEquals(before + 2 * MIB, memory().live());
                    assertEquals(memory().total(), memory().free() + memory().live());
                    assertEquals(memory().free(), memory().available());
                    y.close();
                    assertEquals(before + MIB, memory().live());
                    assertEquals(before + 2 * MIB, TensorScope.peaksOfGpus().get("simulated"));
                });
        assertTrue(Device.cpu().memory().isEmpty());
    }

    @Test
    void aFullGpuIsTold() {
        try (var _ = SimulatedMemory.beside("3MiB")) {
            onEngine(
                    () -> {
                        Tensor x = Tensor.zeros(GPU, DType.FLOAT32, MIB / 4);
                        long live = memory().live();
                        long tensors = TensorScope.liveTensors();
                        var refused =
                                assertThrows(
                                        DeviceMemoryException.class,
                                        () -> Tensor.empty(GPU, DType.FLOAT32, MIB));
                        String message = refused.getMessage();
                        assertTrue(
                                message.startsWith("simulated has no memory for more: 0.00 of its"),
                                message);
                        assertTrue(message.contains("lower tokens_per_micro_batch"), message);
                        assertThrows(
                                DeviceMemoryException.class, () -> Tensor.cat(0, x, x, x).close());
                        assertEquals(live, memory().live());
                        assertEquals(tensors, TensorScope.liveTensors());
                        x.mul(x).close(); // there is place for this
                    });
        }
    }

    @Test
    void processesOfAMachineTakeItsGpusInTurn() {
        assertEquals(0, Device.ofRank(Map.of(), 4));
        assertEquals(3, Device.ofRank(Map.of("OMPI_COMM_WORLD_LOCAL_RANK", "3"), 4));
        assertEquals(1, Device.ofRank(Map.of("SLURM_LOCALID", "5"), 4));
        assertEquals(0, Device.ofRank(Map.of("MPI_LOCALRANKID", "none"), 4));
        assertEquals(0, Device.ofRank(Map.of("MPI_LOCALRANKID", "2"), 0));
    }

    @Test
    void theUploadsPlaceIsCountedToo() {
        onEngine(
                () -> {
                    Tensor x = Tensor.of(GPU, new float[] {1, 2}, 2);
                    assertTrue(memory().live() > 0);
                    assertFalse(x.mul(x).toFloats().length == 0);
                });
    }
}
