package org.attune.tensor.gpu;

import org.attune.tensor.kernel.GraphRecorder;
import org.attune.tensor.kernel.KernelDevice;
import org.attune.tensor.kernel.KernelSource;
import org.attune.tensor.kernel.KernelSource.Signature;
import org.attune.tensor.kernel.Launch;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;

/// Attune's kernels on a real GPU, compiled for it when they are first wanted. They run on the
/// stream that libtorch uses at the time, so they and operators compute one after the other. Their
/// memory and machine code live as long as the process. Untried on a real GPU.
final class CudaKernels implements KernelDevice {
    private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;
    private static final int MOST_ARGUMENTS = 16;

    private final CudaDriver driver;
    private final long context;
    private final long module;
    private final LibtorchStream stream;
    private final CudaGraphs graphs;
    private final Map<String, Long> kernels = new HashMap<>();
    private final MemorySegment arguments = Arena.global().allocate(L, MOST_ARGUMENTS);
    private final MemorySegment places = Arena.global().allocate(L, MOST_ARGUMENTS);

    private CudaKernels(CudaDriver driver, long context, long module, LibtorchStream stream) {
        this.driver = driver;
        this.context = context;
        this.module = module;
        this.stream = stream;
        graphs = new CudaGraphs(driver, context);
        for (int i = 0; i < MOST_ARGUMENTS; i++) {
            places.setAtIndex(L, i, arguments.address() + i * L.byteSize());
        }
    }

    /// Compiles the kernels for a GPU of this machine.
    ///
    /// @param index of the GPU
    /// @param stream of that GPU
    /// @throws IllegalStateException if the driver refuses something
    /// @throws IllegalArgumentException if there is no driver, or NVRTC refuses the source
    public static CudaKernels of(int index, Nvrtc compiler, LibtorchStream stream) {
        return of(CudaDriver.ofMachine(), index, compiler, stream);
    }

    /// Compiles the kernels for a GPU of the driver.
    static CudaKernels of(CudaDriver driver, int index, Nvrtc compiler, LibtorchStream stream) {
        String architecture = driver.architecture(index);
        return of(
                driver,
                index,
                compiler.compile(KernelSource.attune().text(), architecture).code(),
                stream);
    }

    /// Loads kernels that are compiled already.
    static CudaKernels of(CudaDriver driver, int index, byte[] code, LibtorchStream stream) {
        long context = driver.primaryContext(index);
        long[] module = new long[1];
        driver.within(context, () -> module[0] = driver.load(code));
        return new CudaKernels(driver, context, module[0], stream);
    }

    /// Graphs of the same GPU.
    CudaGraphs graphs() {
        return graphs;
    }

    @Override
    public GraphRecorder recorder() {
        return graphs.recorder(stream);
    }

    @Override
    public void launch(Launch launch) {
        Signature kernel = launch.kernel();
        for (int i = 0; i < launch.arguments().length; i++) {
            // The driver reads as many of the eight bytes as the parameter has: on processors that
            // CUDA runs on, those of the number come first.
            arguments.setAtIndex(L, i, launch.arguments()[i]);
        }
        driver.within(
                context,
                () ->
                        driver.launch(
                                kernels.computeIfAbsent(
                                        kernel.name(), name -> driver.kernel(module, name)),
                                launch.blocks(),
                                launch.threads(),
                                stream.current(),
                                places.address()));
    }
}
