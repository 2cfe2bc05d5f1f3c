package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.StopRequest;
import org.attune.error.StoppedException;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/// A run may be stopped within a pass, which takes many seconds on a busy machine.
class StopInPassTest {
    private static final DecoderConfig CONFIG = TinyModels.llama();

    private static Tree.Piece piece() {
        var tree = new Tree();
        int prompt = tree.root(TinyModels.tokens("prompt", CONFIG, 20));
        return tree.shared(prompt, tree.child(prompt, TinyModels.tokens("a", CONFIG, 30)));
    }

    /// Goes through a pass, and asks for a stop when it looks for one for the nth time.
    private static void stopAt(Policy policy, int nth, Policy.Options options) {
        var looks = new AtomicInteger();
        String what = options + ", look " + nth;
        assertThrows(
                StoppedException.class,
                () ->
                        StopRequest.watching(
                                () -> looks.incrementAndGet() >= nth,
                                () -> Outcome.of(policy, List.of(piece()))),
                what);
        assertEquals(nth, looks.get(), what);
    }

    @Test
    void everyBlockForwardAndBackwardCanBeTheLast() {
        for (var options : List.of(Outcome.DEFAULT, Outcome.PLAIN, Outcome.RECOMPUTE)) {
            Engine.run(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(CONFIG);
                                Policy policy =
                                        Outcome.lora(decoder, Outcome.allLinear(0), options)) {
                            Outcome whole = Outcome.of(policy, List.of(piece()));
                            int blocks = decoder.blocks().size();
                            for (int nth = 1; nth <= 2 * blocks + 1; nth++) {
                                stopAt(policy, nth, options);
                            }
                            // The next step finds everything as it was.
                            whole.assertEqualTo("after", Outcome.of(policy, List.of(piece())), 0);
                        }
                    });
        }
    }
}
