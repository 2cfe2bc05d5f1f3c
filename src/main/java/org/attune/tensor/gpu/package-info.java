/// Launches of Attune's own kernels for GPUs: on a real one by CUDA's driver, on the simulated one
/// by code for the processor with the same arguments. Knows addresses, no tensors.
package org.attune.tensor.gpu;
