/// Launches of kernels, and graphs of them, by CUDA's driver. Knows addresses, no tensors.
package org.attune.tensor.gpu;
