package org.attune.policy;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.DecoderRun;
import org.attune.tensor.TensorScope;

/// A pass of weights that nobody trains.
final class FrozenPass {
    private FrozenPass() {}

    static Measurement measure(
            Decoder decoder, Adapter adapter, TokenForest forest, HeadRequest request) {
        var options = DecoderRun.Options.forwardOnly();
        try (var _ = TensorScope.open("measure")) {
            var targets = TargetTensors.ahead(decoder.device(), forest);
            var use = OutputHead.Use.measuring(adapter).with(targets);
            try (var run = new DecoderRun(decoder, Policy.layout(forest), adapter, options);
                    var head = Head.of(decoder, run.hidden(), forest, request, use)) {
                return head.measurement();
            }
        }
    }
}
