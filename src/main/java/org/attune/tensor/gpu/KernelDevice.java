package org.attune.tensor.gpu;

/// What kernels are launched on. On the engine thread.
public sealed interface KernelDevice permits SimulatedKernels, CudaKernels {
    /// Has a kernel compute, after what was asked for before.
    void launch(Launch launch);
}
