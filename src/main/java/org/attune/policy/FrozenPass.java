package org.attune.policy;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.DecoderRun;
import org.attune.tensor.TensorScope;

/// A pass of weights that nobody trains.
final class FrozenPass {
    private FrozenPass() {}

    /// The rows of a pass with an adapter: before every sequence the adapter's virtual tokens.
    ///
    /// @param apart whether trees stay apart and have rows of all tokens, as routers' loss needs
    static TokenForest rows(Decoder decoder, Adapter adapter, TokenForest given, boolean apart) {
        var image = decoder.config().imageToken();
        TokenForest named = image.isPresent() ? given.withImageTargets(image.getAsInt()) : given;
        TokenForest forest = apart ? named.whole() : named;
        boolean alone = apart || decoder.config().positions().dependsOnLength();
        return decoder.input()
                .virtual(adapter)
                .map(v -> forest.behind(v.ids(), alone))
                .orElse(forest);
    }

    static Measurement measure(
            Decoder decoder, Adapter adapter, TokenForest given, HeadRequest request) {
        TokenForest forest = rows(decoder, adapter, given, false);
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

    /// Weights that nobody trains, as they are.
    ///
    /// @param decoder borrowed
    /// @param adapter in use
    static Scorer scorer(Decoder decoder, Adapter adapter) {
        return new Scorer() {
            @Override
            public Measurement measure(TokenForest forest, HeadRequest request) {
                return FrozenPass.measure(decoder, adapter, forest, request);
            }

            @Override
            public Teacher read(TokenForest forest) {
                return new TeacherPass(decoder, adapter, forest);
            }
        };
    }
}
