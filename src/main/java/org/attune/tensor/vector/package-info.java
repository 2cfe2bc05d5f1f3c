/// Kernels for processors over plain native memory, in vectors of the Java Vector API. They know
/// neither tensors nor libtorch.
package org.attune.tensor.vector;
