package org.attune.tensor;

import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/// The GPU of this rank, joined with those of the others by NCCL. Calls put work behind what was
/// asked of the GPU before, and return; [#await] waits for it. Tensors are dense and on this GPU.
/// On the engine thread, but for [#abort].
///
/// Untried on GPUs.
public final class RankGpu implements AutoCloseable {
    private static final int PATIENT_LOOKS = 1000;
    private static final long PAUSE_NANOS = 20_000;

    private final GpuRanks ranks;
    private final Device device;

    /// @param ranks owned
    private RankGpu(GpuRanks ranks, Device device) {
        this.ranks = ranks;
        this.device = device;
    }

    /// Joins the others' GPUs; waits until all do.
    ///
    /// @param id of rank 0, from [GpuRanks.Library#uniqueId]
    /// @param device a GPU that no other rank has
    /// @throws org.attune.error.CollectiveException if they can't be reached
    public static RankGpu join(
            GpuRanks.Library library, byte[] id, int rank, int size, Device device) {
        Engine.requireEngineThread();
        return new RankGpu(on(device, () -> library.join(id, rank, size)), device);
    }

    private static <T> T on(Device device, Supplier<T> work) {
        return device.kind().within(device.index(), work);
    }

    /// NCCL, if a device's numbers can go by it.
    public static Optional<GpuRanks.Library> nccl(Device device) {
        return device.kind().ranks();
    }

    /// Where a GPU is in its machine, whatever number a process knows it by.
    public static String place(Device device) {
        return device.kind().place(device.index());
    }

    public Device device() {
        return device;
    }

    /// Part j of every rank goes to rank j, which gets them in the order of the ranks.
    ///
    /// @param from float32
    /// @param to likewise, elsewhere
    public void allToAll(Tensor from, Tensor to, int size) {
        int[] counts = new int[size];
        Arrays.fill(counts, Math.toIntExact(from.size() / size));
        allToAll(from, counts, to);
    }

    /// Exchanges parts of different sizes: part j of every rank goes to rank j, which gets them in
    /// the order of the ranks.
    ///
    /// @param counts numbers of each part
    /// @param to as many times this rank's as there are ranks
    public void allToAll(Tensor from, int[] counts, Tensor to) {
        long mine = to.size() / counts.length;
        ask(() -> ranks.allToAll(address(from), counts, address(to), mine, stream()));
    }

    /// Everybody's numbers of any type, in the order of the ranks.
    ///
    /// @param part maybe in its place in `whole`
    public void allGather(Tensor part, Tensor whole) {
        long bytes = part.size() * part.dtype().bytes();
        ask(() -> ranks.allGatherBytes(address(part), address(whole), bytes, stream()));
    }

    /// Adds up float32 numbers in place, in NCCL's order.
    public void allReduce(Tensor numbers) {
        ask(() -> ranks.allReduce(address(numbers), numbers.size(), stream()));
    }

    /// Copies one rank's numbers of any type to all.
    public void broadcast(Tensor values, int from) {
        long bytes = values.size() * values.dtype().bytes();
        ask(() -> ranks.broadcastBytes(address(values), bytes, from, stream()));
    }

    private void ask(Runnable call) {
        Placement.ready(device);
        on(
                device,
                () -> {
                    call.run();
                    return null;
                });
        if (device.isHostMemory()) {
            await(); // operators there don't queue behind it, as on a stream
        }
    }

    private static long address(Tensor values) {
        return Libtorch.dataPointer(values.handle());
    }

    private long stream() {
        return device.kind().stream(device.index());
    }

    /// Waits until the GPU has finished these calls. On the way it looks whether one has failed.
    ///
    /// @throws org.attune.error.CollectiveException if one has, or was [given up][#abort]
    public void await() {
        for (int looks = 1; !device.kind().isDone(device.index()); looks++) {
            if (looks % PATIENT_LOOKS == 0) {
                ranks.requireHealthy();
            }
            if (looks < PATIENT_LOOKS) {
                Thread.onSpinWait();
            } else {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
        ranks.requireHealthy();
    }

    /// Ends work that waits for others, from any thread: [#await] fails then. No further call is
    /// possible.
    public void abort() {
        ranks.abort();
    }

    /// Leaves, when all work is done.
    @Override
    public void close() {
        on(
                device,
                () -> {
                    ranks.close();
                    return null;
                });
    }
}
