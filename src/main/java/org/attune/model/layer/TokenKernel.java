package org.attune.model.layer;

import org.attune.model.config.DecoderConfig;
import org.attune.model.config.StateConfig;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.TokenPass;
import org.attune.tensor.VectorKernels;

import java.util.stream.IntStream;

/// Whether a token can go through all blocks of a decoder in one piece ([TokenPass]).
final class TokenKernel {
    private TokenKernel() {}

    /// Whether [TokenPass] computes what a decoder of this configuration does, and the processor
    /// has the kernels for it.
    static boolean suits(DecoderConfig config, Device device, DType dtype) {
        return config.unlikeTokens().isEmpty()
                && VectorKernels.serve(device, dtype, sizes(config))
                && VectorKernels.hasTiles(dtype);
    }

    /// Numbers that have to be whole vectors.
    private static int[] sizes(DecoderConfig config) {
        int dim = config.headDim();
        int rotary = config.rope().rotaryDim(dim);
        IntStream.Builder sizes =
                IntStream.builder().add(dim).add(rotary < dim ? rotary : rotary / 2);
        if (config.block().mixers().state().orElse(null) instanceof StateConfig.GatedDelta delta) {
            sizes.add(delta.keyDim()).add(delta.valueDim());
        }
        return sizes.build().toArray();
    }
}
