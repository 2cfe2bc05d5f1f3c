package org.attune.tensor;

import org.attune.error.ConfigException;
import org.attune.tensor.library.CachingAllocator;
import org.attune.tensor.library.Cudart;
import org.attune.tensor.library.LoadedLibtorch;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Looks for a usable GPU and can explain why there is none.
final class CudaProbe {
    private CudaProbe() {}

    static Optional<Cudart> cudart() {
        return Engine.libtorch().hasCuda() ? Cudart.find() : Optional.empty();
    }

    /// GPUs that the loaded libtorch can use.
    static int gpuCount() {
        return cudart().map(Cudart::deviceCount).orElse(0);
    }

    /// First number of GPU `index`'s compute capability; 0 if the driver does not tell.
    static int capability(int index) {
        return cudart().map(runtime -> runtime.capability(index)).orElse(0);
    }

    /// Bytes of each GPU that weren't free when it was first looked at: others', and what CUDA
    /// itself takes. On the engine thread.
    private static final Map<Integer, Long> TAKEN_BEFORE = new HashMap<>();

    /// What the memory of a GPU holds; empty if the driver doesn't tell.
    static Optional<DeviceMemory> memory(Device gpu) {
        return cudart().filter(runtime -> gpu.index() < runtime.deviceCount())
                .flatMap(runtime -> runtime.memory(gpu.index()))
                .map(
                        now -> {
                            long live = DeviceBytes.live(gpu);
                            long taken = now.total() - now.free();
                            long before =
                                    TAKEN_BEFORE.computeIfAbsent(gpu.index(), _ -> taken - live);
                            long kept = Math.max(0, taken - before - live);
                            return new DeviceMemory(now.total(), now.free(), live, kept);
                        });
    }

    /// Empties the allocators' caches of all GPUs.
    static void giveBackFreedMemory() {
        if (Engine.libtorch().hasCuda()) {
            CachingAllocator.find().ifPresent(CachingAllocator::empty);
        }
    }

    /// Waits for all that was asked of GPU `index`.
    static void finish(int index) {
        cudart().ifPresent(runtime -> runtime.finish(index));
    }

    /// @throws ConfigException if GPU `index` can't be used
    static void require(int index) {
        int count = gpuCount();
        LoadedLibtorch libtorch = Engine.libtorch();
        if (index < count) {
            return;
        }
        if (count > 0) {
            throw new ConfigException(
                    "device: cuda:%d does not exist; this machine has %d GPU(s), numbered from 0"
                            .formatted(index, count));
        }
        throw new ConfigException(
                """
                device: cuda was asked for, but no GPU can be used. Looked for: NVIDIA driver \
                (libcuda.so.1): %s; CUDA in libtorch %s. Use device: cpu, or name a libtorch for \
                CUDA by ATTUNE_LIBTORCH as docs/cuda.md says.\
                """
                        .formatted(Cudart.hasDriver() ? "found" : "absent", libtorch));
    }
}
