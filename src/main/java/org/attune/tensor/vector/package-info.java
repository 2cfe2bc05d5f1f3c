/// Kernels for processors over plain native memory, in vectors of the Java Vector API. They know no
/// tensors; of libtorch they call only the small products behind [TileProduct].
///
/// Read [Rows] (a matrix in memory) and [KernelThreads] (who computes), then [NormKernel] as the
/// shortest kernel, [AttentionKernel], and [TokenStack] (decoding).
/// [org.attune.tensor.VectorKernels] calls them; `docs/kernels.md` is the map. Dimensions: `D`
/// width of a row, `F` inner width, `S` cached sequences, `L` places of a sequence, `C` key and
/// value heads, `K` head size, `V` vocabulary, `w` rows of a panel.
package org.attune.tensor.vector;
