package org.attune.tensor.kernel;

/// A GPU that kernels are launched on. On the engine thread.
public interface KernelDevice {
    /// Has a kernel compute, after what was asked for before.
    void launch(Launch launch);

    /// Begins to record launches as a graph: until the recorder is closed, kernels and operators
    /// compute where they can be recorded. The GPU has nothing left to do before.
    ///
    /// @throws IllegalStateException if it can't record
    GraphRecorder recorder();
}
