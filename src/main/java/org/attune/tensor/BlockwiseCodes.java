package org.attune.tensor;

import org.attune.tensor.vector.BlockwiseKernel;

/// Numbers in a byte each: blocks of 256 numbers, divided by the block's largest size, as the
/// nearest of 256 levels ([BlockwiseKernel]).
public final class BlockwiseCodes {
    /// Numbers of a block; the last one of a tensor may have fewer.
    public static final int BLOCK = BlockwiseKernel.BLOCK;

    private BlockwiseCodes() {}

    /// Float32 numbers of codes, a new tensor.
    ///
    /// @param codes uint8 `(n)`
    /// @param sizes float32 `(⌈n / 256⌉)`
    /// @param signed whether numbers can be below 0
    public static Tensor decode(Tensor codes, Tensor sizes, boolean signed) {
        requireProcessor(codes);
        long begun = OperatorTimes.begin();
        Tensor numbers = Tensor.empty(codes.device(), DType.FLOAT32, codes.size());
        kernel(signed)
                .decode(
                        codes.memory(),
                        sizes.memory(),
                        numbers.memory(),
                        VectorKernels.threads(codes));
        OperatorTimes.end("attune::decode", begun);
        return numbers;
    }

    /// Codes of numbers.
    ///
    /// @param numbers float32 `(n)`
    /// @param signed whether they can be below 0
    /// @param codes uint8 `(n)`, written
    /// @param sizes float32 `(⌈n / 256⌉)`, written
    public static void encode(Tensor numbers, boolean signed, Tensor codes, Tensor sizes) {
        requireProcessor(numbers);
        long begun = OperatorTimes.begin();
        kernel(signed)
                .encode(
                        numbers.memory(),
                        codes.memory(),
                        sizes.memory(),
                        VectorKernels.threads(numbers));
        OperatorTimes.end("attune::encode", begun);
    }

    private static BlockwiseKernel kernel(boolean signed) {
        return signed ? BlockwiseKernel.SIGNED : BlockwiseKernel.UNSIGNED;
    }

    private static void requireProcessor(Tensor x) {
        if (!x.device().equals(Device.cpu())) {
            throw new UnsupportedOperationException(
                    "8-bit moments are computed on a processor, not on " + x.device());
        }
    }
}
