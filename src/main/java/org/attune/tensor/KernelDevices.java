package org.attune.tensor;

import org.attune.tensor.gpu.CudaKernels;
import org.attune.tensor.gpu.KernelDevice;
import org.attune.tensor.gpu.SimulatedKernels;
import org.attune.tensor.library.Nvrtc;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
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
            return compiler.map(found -> CudaKernels.of(index, found, () -> stream(index)));
        } catch (IllegalStateException | IllegalArgumentException e) {
            LOG.log(Level.WARNING, "operators compute on the GPU, without kernels of Attune's", e);
            return Optional.empty();
        }
    }

    /// The stream that libtorch uses.
    private static long stream(int index) {
        MemorySegment out = CurrentStream.OUT;
        try {
            Libtorch.check(
                    CurrentStream.NAME,
                    (int) CurrentStream.FUNCTION.invokeExact(index, out.address()));
        } catch (Throwable t) {
            throw Libtorch.fault(CurrentStream.NAME, t);
        }
        return out.get(ValueLayout.JAVA_LONG, 0);
    }

    /// libtorch's function, looked for when a real GPU first needs it.
    private static final class CurrentStream {
        static final String NAME = "aoti_torch_get_current_cuda_stream";
        static final MemorySegment OUT = Arena.global().allocate(ValueLayout.JAVA_LONG);
        static final MethodHandle FUNCTION = function();

        private CurrentStream() {}

        private static MethodHandle function() {
            MethodHandle function =
                    Libtorch.optional(
                            NAME,
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_LONG));
            if (function == null) {
                throw Libtorch.lacks(NAME);
            }
            return function;
        }
    }
}
