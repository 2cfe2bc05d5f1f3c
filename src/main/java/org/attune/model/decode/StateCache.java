package org.attune.model.decode;

import org.attune.model.config.DecoderConfig;
import org.attune.model.config.StateConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// The states of several sequences behind their last tokens, in the layers that keep one. Unlike
/// keys and values they have one size for sequences of any length, and can't be cut back.
///
/// Shapes: `S` slots, `C` features of a convolution, `J` its taps, `n` numbers of the matrices.
final class StateCache {
    private final Device device;
    private final Tensor[] inputs; // (S, J - 1, C) for each block with a state
    private final Tensor[] matrices; // float32 (S, n)

    /// Allocates zeros in the current scope.
    StateCache(Decoder decoder, int slots) {
        DecoderConfig c = decoder.config();
        StateConfig state = c.block().mixers().state().orElseThrow();
        device = decoder.device();
        inputs = new Tensor[c.layers()];
        matrices = new Tensor[c.layers()];
        for (int i = 0; i < c.layers(); i++) {
            if (c.parts(i).state()) {
                inputs[i] =
                        Tensor.zeros(
                                device,
                                decoder.dtype(),
                                slots,
                                state.taps() - 1L,
                                state.channels());
                matrices[i] = Tensor.zeros(device, DType.FLOAT32, slots, state.stateNumbers());
            }
        }
    }

    /// Bytes of one sequence.
    static long bytes(DecoderConfig c, DType dtype) {
        return c.block().mixers().state().map(state -> layers(c) * bytes(state, dtype)).orElse(0L);
    }

    private static long layers(DecoderConfig c) {
        long layers = 0;
        for (int i = 0; i < c.layers(); i++) {
            layers += c.parts(i).state() ? 1 : 0;
        }
        return layers;
    }

    private static long bytes(StateConfig state, DType dtype) {
        return dtype.bytes() * (state.taps() - 1L) * state.channels()
                + Float.BYTES * state.stateNumbers();
    }

    Device device() {
        return device;
    }

    /// Last inputs of a layer's convolution, the oldest first, `(S, J - 1, C)`.
    Tensor inputs(int layer) {
        return inputs[layer];
    }

    /// Matrices of a layer, float32 `(S, n)`.
    Tensor matrices(int layer) {
        return matrices[layer];
    }

    /// Makes a slot's states those before any token.
    void forget(int slot) {
        try (var _ = TensorScope.open("forget")) {
            for (int i = 0; i < inputs.length; i++) {
                if (inputs[i] != null) {
                    inputs[i].narrow(0, slot, 1).zeroInPlace();
                    matrices[i].narrow(0, slot, 1).zeroInPlace();
                }
            }
        }
    }

    /// Gives a slot's states to others.
    void copy(int from, int first, int count) {
        try (var _ = TensorScope.open("copy")) {
            for (int i = 0; i < inputs.length; i++) {
                if (inputs[i] != null) {
                    copy(inputs[i], from, first, count);
                    copy(matrices[i], from, first, count);
                }
            }
        }
    }

    private static void copy(Tensor all, int from, int first, int count) {
        for (int to = first; to < first + count; to++) {
            all.narrow(0, to, 1).copyInPlace(all.narrow(0, from, 1));
        }
    }
}
