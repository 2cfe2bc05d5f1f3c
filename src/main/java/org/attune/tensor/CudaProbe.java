package org.attune.tensor;

import ai.djl.util.cuda.CudaUtils;

import org.attune.error.ConfigException;

import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.OptionalLong;

/// Looks for a usable GPU and can explain why there is none.
final class CudaProbe {
    private CudaProbe() {}

    /// GPUs that the loaded libtorch can use.
    static int gpuCount() {
        return Engine.hasCudaLibrary() ? CudaUtils.getGpuCount() : 0;
    }

    /// Memory of GPU `index` that nobody uses, in bytes; empty if the driver does not tell.
    static OptionalLong freeBytes(int index) {
        if (index >= gpuCount()) {
            return OptionalLong.empty();
        }
        MemoryUsage usage = CudaUtils.getGpuMemory(ai.djl.Device.gpu(index));
        return OptionalLong.of(usage.getMax() - usage.getUsed());
    }

    /// @throws ConfigException if GPU `index` can't be used
    static void require(int index) {
        int count = gpuCount();
        if (index < count) {
            return;
        }
        if (count > 0) {
            throw new ConfigException(
                    "device: cuda:%d does not exist; this machine has %d GPU(s), numbered from 0"
                            .formatted(index, count));
        }
        boolean driver = Files.exists(Path.of("/proc/driver/nvidia/version"));
        throw new ConfigException(
                """
                device: cuda was asked for, but no GPU can be used. Looked for: \
                NVIDIA driver (/proc/driver/nvidia/version): %s; \
                PYTORCH_LIBRARY_PATH: %s; PYTORCH_FLAVOR: %s; CUDA in the loaded libtorch: %s. \
                Use device: cpu, or set up CUDA as docs/cuda.md says.\
                """
                        .formatted(
                                driver ? "found" : "absent",
                                Objects.requireNonNullElse(
                                        System.getenv("PYTORCH_LIBRARY_PATH"), "not set"),
                                Objects.requireNonNullElse(
                                        System.getenv("PYTORCH_FLAVOR"), "not set"),
                                Engine.hasCudaLibrary() ? "yes" : "no"));
    }
}
