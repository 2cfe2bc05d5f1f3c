/// Kernels for GPUs: their source `attune.cu`, their parameters, and what launches them. Knows
/// addresses, no tensors.
package org.attune.tensor.kernel;
