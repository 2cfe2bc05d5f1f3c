package org.attune.ranks;

/// What carries numbers between GPUs of several ranks. In the processor's memory it is always MPI.
public enum RankBackend {
    /// NVIDIA's library, from GPU to GPU.
    NCCL,

    /// The processor's memory, and MPI between the processes.
    MPI
}
