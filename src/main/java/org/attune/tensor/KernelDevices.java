package org.attune.tensor;

import org.attune.tensor.gpu.CudaGraphs;
import org.attune.tensor.gpu.CudaKernels;
import org.attune.tensor.gpu.KernelDevice;
import org.attune.tensor.gpu.SimulatedKernels;
import org.attune.tensor.library.Nvrtc;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Where Attune's kernels for GPUs can be launched. Without CUDA's compiler beside libtorch, and
/// with `-Dattune.gpu.kernels=off`, operators compute instead. On the engine thread.
final class KernelDevices {
    private static final String SWITCH = "attune.gpu.kernels";
    private static final Logger LOG = System.getLogger(KernelDevices.class.getName());
    private static final Optional<KernelDevice> SIMULATED = Optional.of(new SimulatedKernels());
    private static final Map<Integer, Optional<KernelDevice>> BY_INDEX = new HashMap<>();

    private KernelDevices() {}

    /// What launches kernels on a device; empty if none can be.
    static Optional<KernelDevice> of(Device device) {
        return switch (device.type()) {
            case CPU -> Optional.empty();
            case CUDA -> BY_INDEX.computeIfAbsent(device.index(), KernelDevices::cuda);
            case SIMULATED -> isOff() ? Optional.empty() : SIMULATED;
        };
    }

    /// Graphs of a real GPU; empty where no kernels can be launched.
    static Optional<CudaGraphs> graphs(Device device) {
        return of(device).map(CudaKernels.class::cast).map(CudaKernels::graphs);
    }

    private static boolean isOff() {
        return "off".equals(System.getProperty(SWITCH));
    }

    private static Optional<KernelDevice> cuda(int index) {
        if (isOff()) {
            return Optional.empty();
        }
        try {
            Optional<Nvrtc> compiler = Nvrtc.beside(Engine.libtorch().folder());
            if (compiler.isEmpty()) {
                LOG.log(Level.INFO, "no NVRTC beside libtorch: operators compute on the GPU");
            }
            return compiler.map(found -> CudaKernels.of(index, found, () -> CudaStream.of(index)));
        } catch (IllegalStateException | IllegalArgumentException e) {
            LOG.log(Level.WARNING, "operators compute on the GPU, without kernels of Attune's", e);
            return Optional.empty();
        }
    }
}
