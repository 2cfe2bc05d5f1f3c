package org.attune.model.pass;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Dropout;
import org.attune.model.layer.LlamaBlock;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Optional;

/// The part of a step that is attention, alone: forward and backward in every block.
public final class AttentionWork {
    private AttentionWork() {}

    /// On the engine thread.
    public static void run(Decoder decoder, Layout layout) {
        try (var pass =
                new PassContext(
                        decoder,
                        layout,
                        Adapter.OFF,
                        Optional.empty(),
                        Dropout.NONE,
                        Optional.empty(),
                        true)) {
            for (LlamaBlock b : decoder.llamaBlocks().orElseThrow()) {
                try (var _ = TensorScope.open("block")) {
                    Tensor y = zeros(decoder, layout, b.qkv().out());
                    Tensor out = zeros(decoder, layout, b.output().in());
                    Attended attended = pass.attend(b.attention(), () -> y, out);
                    pass.attendBackward(b.attention(), out, out, attended);
                }
            }
        }
    }

    private static Tensor zeros(Decoder decoder, Layout layout, int width) {
        return Tensor.zeros(decoder.device(), decoder.dtype(), layout.size(), width);
    }
}
