package org.attune.tensor;

import org.attune.tensor.vector.AddKernel;

import java.util.Arrays;

/// Adding into tensors of another dtype.
final class Sums {
    private Sums() {}

    /// `sum += factor · addend`, each operation rounded to float32.
    ///
    /// @param sum float32
    /// @param addend of the same shape, maybe of another dtype
    public static void add(Tensor sum, Tensor addend, double factor) {
        if (isServed(sum, addend)) {
            long begun = OperatorTimes.begin();
            AddKernel.run(
                    VectorKernels.address(addend),
                    (float) factor,
                    VectorKernels.address(sum),
                    sum.size(),
                    VectorKernels.threads(sum));
            OperatorTimes.end("attune::add", begun);
            return;
        }
        if (DeviceKernels.serveMatrices(sum, addend)) {
            DeviceKernels.accumulate(sum, addend, factor);
            return;
        }
        try (var _ = TensorScope.open("sum")) {
            Tensor addend32 = addend.to(DType.FLOAT32);
            sum.addInPlace(factor == 1 ? addend32 : addend32.mul(factor));
        }
    }

    private static boolean isServed(Tensor sum, Tensor addend) {
        return addend.dtype() == DType.BFLOAT16
                && sum.dtype() == DType.FLOAT32
                && sum.isDense()
                && addend.isDense()
                && Arrays.equals(sum.shape(), addend.shape())
                && VectorKernels.serve(sum.device(), DType.BFLOAT16)
                && sum.size() % AddKernel.MULTIPLE == 0;
    }
}
