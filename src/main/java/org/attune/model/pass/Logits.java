package org.attune.model.pass;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.tensor.Tensor;

/// All logits of a pass, for comparing models. Training never makes them.
public final class Logits {
    private Logits() {}

    /// Logits of every row, float32 `(N, V)`, in the current scope.
    public static Tensor of(Decoder decoder, Layout layout, Adapter adapter) {
        var options = DecoderRun.Options.forwardOnly();
        try (var run = new DecoderRun(decoder, layout, adapter, options)) {
            return decoder.output().logits(normed(decoder, run.hidden(), adapter), adapter);
        }
    }

    /// Input of the output layer, after the last norm, `(N, D)`, in the current scope.
    public static Tensor hidden(Decoder decoder, Layout layout, Adapter adapter) {
        var options = DecoderRun.Options.forwardOnly();
        try (var run = new DecoderRun(decoder, layout, adapter, options)) {
            return normed(decoder, run.hidden(), adapter);
        }
    }

    private static Tensor normed(Decoder decoder, Tensor x, Adapter adapter) {
        Tensor h = Tensor.empty(x.device(), x.dtype(), x.shape());
        decoder.finalNorm().forward(x, h, adapter);
        return h;
    }
}
