package org.attune.tensor;

import org.attune.tensor.kernel.KernelDevice;
import org.attune.tensor.kernel.SimulatedKernels;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;

/// A GPU that isn't one, so that tests have one without a card: its tensors lie in the processor's
/// memory, but Java may not look at them, kernels for processors don't serve them, and operators
/// refuse to mix them with the processor's. It is full at `-Dattune.simulated.memory` bytes.
public final class SimulatedGpu implements DeviceKind {
    private static final String MEMORY = "attune.simulated.memory";
    private static final long USUAL_MEMORY = 16L << 30;

    private static final List<BooleanSupplier> BESIDE = new CopyOnWriteArrayList<>();

    private final KernelDevice kernels = new SimulatedKernels();

    /// The service loader's.
    public SimulatedGpu() {}

    /// Names what computes beside the engine thread, such as a stand-in of NCCL.
    ///
    /// @param isDone whether it has done all that was asked of it
    public static void awaits(BooleanSupplier isDone) {
        BESIDE.add(isDone);
    }

    @Override
    public String name() {
        return "simulated";
    }

    @Override
    public int count() {
        return 1;
    }

    @Override
    public Optional<DeviceMemory> memory(int index, long live) {
        long total = limit(index);
        return Optional.of(new DeviceMemory(total, total - live, live, 0));
    }

    @Override
    public long limit(int index) {
        return Long.getLong(MEMORY, USUAL_MEMORY);
    }

    @Override
    public Optional<KernelDevice> kernels(int index) {
        return Optional.of(kernels);
    }

    @Override
    public boolean hasFlash(int index) {
        return true;
    }

    @Override
    public FlashOperators flash() {
        return new SimulatedFlash();
    }

    @Override
    public boolean isDone(int index) {
        return BESIDE.stream().allMatch(BooleanSupplier::getAsBoolean);
    }
}
