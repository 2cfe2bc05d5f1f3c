package org.attune.model.layer;

import org.attune.model.config.DecoderConfig;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.TokenPass;
import org.attune.tensor.VectorKernels;

/// Whether a token can go through all blocks of a decoder in one piece ([TokenPass]).
final class TokenKernel {
    private TokenKernel() {}

    /// Whether [TokenPass] computes what a decoder of this configuration does, and the processor
    /// has the kernels for it.
    static boolean suits(DecoderConfig config, Device device, DType dtype) {
        if (!config.unlikeLlama().isEmpty()) {
            return false;
        }
        int rotary = config.rope().rotaryDim(config.headDim());
        return VectorKernels.serve(device, dtype, config.headDim(), rotary / 2)
                && VectorKernels.hasTiles(dtype);
    }
}
