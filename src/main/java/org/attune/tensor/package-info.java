/// Tensors of libtorch, the thread that may touch them, and the scopes that own them.
///
/// Read [Tensor], then [TensorScope] (ownership) and [Engine] (the one thread). [Aten],
/// [NativeOps] and [Kernels] are the three ways to call an operator; [VectorKernels] is the door to
/// the kernels written in Java. Shapes are written `(rows, columns)`, as in PyTorch; each operator
/// names its own letters.
package org.attune.tensor;
