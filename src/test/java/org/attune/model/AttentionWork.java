package org.attune.model;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// The part of a step that is attention, alone: forward and backward in every block.
public final class AttentionWork {
    private AttentionWork() {}

    /// On the engine thread.
    public static void run(DecoderConfig config, Layout layout, DType dtype) {
        Device cpu = Device.cpu();
        int groups = config.heads() / config.kvHeads();
        try (var masks = TensorScope.open("masks")) {
            var attention = new Attention(layout, cpu, dtype, masks);
            long n = layout.size();
            Tensor q = Tensor.zeros(cpu, dtype, config.kvHeads(), n, groups, config.headDim());
            Tensor k = Tensor.zeros(cpu, dtype, config.kvHeads(), n, config.headDim());
            for (int i = 0; i < config.layers(); i++) {
                try (var _ = TensorScope.open("block")) {
                    attention.forward(q, k, k, 0);
                    attention.backward(q, q, k, k, 0);
                }
            }
        }
    }
}
