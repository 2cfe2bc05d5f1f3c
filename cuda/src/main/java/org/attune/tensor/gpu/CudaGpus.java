package org.attune.tensor.gpu;

import org.attune.error.ConfigException;
import org.attune.tensor.DeviceKind;
import org.attune.tensor.DeviceMemory;
import org.attune.tensor.Engine;
import org.attune.tensor.GpuRanks;
import org.attune.tensor.kernel.KernelDevice;
import org.attune.tensor.library.LibtorchLoader;
import org.attune.tensor.nccl.NcclLibrary;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// GPUs of CUDA, which the loaded libtorch can use; untried on a real one.
public final class CudaGpus implements DeviceKind {
    private static final Logger LOG = System.getLogger(CudaGpus.class.getName());
    private static final int NUMBER = 1;

    /// First number of the oldest compute capability that flash attention serves.
    private static final int OLDEST_FLASH = 8;

    /// Bytes of each GPU that weren't free when it was first looked at: others', and what CUDA
    /// itself takes.
    private final Map<Integer, Long> takenBefore = new HashMap<>();

    private final Map<Integer, Optional<KernelDevice>> kernels = new HashMap<>();

    /// The service loader's.
    public CudaGpus() {}

    private static Optional<Cudart> cudart() {
        return Engine.libtorch().hasCuda() ? Cudart.find() : Optional.empty();
    }

    private static Cudart runtime() {
        return cudart().orElseThrow();
    }

    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public String name(int index) {
        return name() + ":" + index;
    }

    @Override
    public int number() {
        return NUMBER;
    }

    @Override
    public int count() {
        return cudart().map(Cudart::deviceCount).orElse(0);
    }

    @Override
    public void require(int index) {
        if (count() == 0) {
            throw new ConfigException(
                    """
                    device: cuda was asked for, but no GPU can be used. Looked for: NVIDIA driver \
                    (libcuda.so.1): %s; CUDA in libtorch %s. Use device: cpu, or name a libtorch \
                    for CUDA by ATTUNE_LIBTORCH as docs/cuda.md says.\
                    """
                            .formatted(
                                    LibtorchLoader.hasCudaDriver() ? "found" : "absent",
                                    Engine.libtorch()));
        }
        DeviceKind.super.require(index);
    }

    @Override
    public void finish(int index) {
        cudart().ifPresent(runtime -> runtime.finish(index));
    }

    @Override
    public Optional<DeviceMemory> memory(int index, long live) {
        return cudart().filter(runtime -> index < runtime.deviceCount())
                .flatMap(runtime -> runtime.memory(index))
                .map(
                        now -> {
                            long taken = now.total() - now.free();
                            long before = takenBefore.computeIfAbsent(index, _ -> taken - live);
                            long kept = Math.max(0, taken - before - live);
                            return new DeviceMemory(now.total(), now.free(), live, kept);
                        });
    }

    @Override
    public void giveBackFreedMemory() {
        if (Engine.libtorch().hasCuda()) {
            CachingAllocator.find().ifPresent(CachingAllocator::empty);
        }
    }

    @Override
    public Optional<KernelDevice> kernels(int index) {
        return kernels.computeIfAbsent(index, CudaGpus::compiled);
    }

    /// Compiles the kernels of a GPU; empty without CUDA's compiler beside libtorch.
    private static Optional<KernelDevice> compiled(int index) {
        try {
            Optional<Nvrtc> compiler = Nvrtc.beside(Engine.libtorch().folder());
            if (compiler.isEmpty()) {
                LOG.log(Level.INFO, "no NVRTC beside libtorch: operators compute on the GPU");
            }
            return compiler.map(found -> CudaKernels.of(index, found, new CudaStream(index)));
        } catch (IllegalStateException | IllegalArgumentException e) {
            LOG.log(Level.WARNING, "operators compute on the GPU, without kernels of Attune's", e);
            return Optional.empty();
        }
    }

    @Override
    public boolean hasFlash(int index) {
        return cudart().map(runtime -> runtime.capability(index)).orElse(0) >= OLDEST_FLASH;
    }

    @Override
    public <T> T within(int index, Supplier<T> work) {
        return runtime().within(index, work);
    }

    @Override
    public long stream(int index) {
        return new CudaStream(index).current();
    }

    @Override
    public boolean isDone(int index) {
        return runtime().isDone(index, stream(index));
    }

    @Override
    public Optional<GpuRanks.Library> ranks() {
        return NcclLibrary.find().map(GpuRanks.Library.class::cast);
    }

    @Override
    public String place(int index) {
        return runtime().busId(index);
    }
}
