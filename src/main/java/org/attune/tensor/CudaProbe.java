package org.attune.tensor;

import org.attune.error.ConfigException;
import org.attune.tensor.library.Cudart;
import org.attune.tensor.library.LoadedLibtorch;

import java.util.Optional;
import java.util.OptionalLong;

/// Looks for a usable GPU and can explain why there is none.
final class CudaProbe {
    private CudaProbe() {}

    private static Optional<Cudart> cudart() {
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

    /// Memory of GPU `index` that nobody uses, in bytes; empty if the driver does not tell.
    static OptionalLong freeBytes(int index) {
        return cudart().filter(runtime -> index < runtime.deviceCount())
                .map(runtime -> runtime.freeBytes(index))
                .orElse(OptionalLong.empty());
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
