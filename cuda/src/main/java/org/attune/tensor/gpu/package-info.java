/// GPUs of CUDA. [CudaGpus] is what the service loader finds; [Cudart] is CUDA's runtime, the
/// others launch kernels, and graphs of them, by CUDA's driver. Knows addresses, no tensors.
package org.attune.tensor.gpu;
