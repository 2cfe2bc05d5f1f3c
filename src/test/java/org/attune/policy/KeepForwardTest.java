package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.testing.Hardware;
import org.attune.testing.ProcessMemory;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

/// A decoder that keeps only what forward passes read: the same numbers from less memory.
class KeepForwardTest {
    private static final DecoderConfig CONFIG = TinyModels.smol(2, 500);

    private static float[] logProbs(Scorer scorer) {
        var builder = TokenForest.builder();
        int prompt = builder.root(TinyModels.tokens("prompt", CONFIG, 7));
        for (String name : new String[] {"one", "another"}) {
            int child = builder.child(prompt, TinyModels.tokens(name, CONFIG, 80));
            for (int t = 0; t < 80; t++) {
                builder.target(child, t);
            }
        }
        return Outcome.logProbs(scorer, builder.build());
    }

    @Test
    void numbersWithoutAnAdapterStay() {
        for (DType dtype : new DType[] {DType.BFLOAT16, DType.FLOAT32}) {
            Engine.run(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(CONFIG, dtype)) {
                            float[] before = logProbs(Policy.reference(decoder));
                            decoder.keepForward();
                            assertArrayEquals(before, logProbs(Policy.reference(decoder)));
                        }
                    });
        }
    }

    @Test
    void numbersWithAnAdapterStay() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(CONFIG, DType.BFLOAT16);
                            Policy policy =
                                    Adapted.policy(
                                            decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
                        float[] before = logProbs(policy);
                        float[] without = logProbs(policy.adapterOff());
                        decoder.keepForward();
                        assertArrayEquals(before, logProbs(policy));
                        assertArrayEquals(without, logProbs(policy.adapterOff()));
                    }
                });
    }

    @Test
    void whatWasReadByBackwardPassesIsGone() {
        Hardware.requireProcessor();
        Hardware.requireBfloat16Products();
        Hardware.requireGlibc();
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(CONFIG, DType.BFLOAT16)) {
                        decoder.pack();
                        long before = ProcessMemory.nativeBytes();
                        decoder.keepForward();
                        long freed = before - ProcessMemory.nativeBytes();
                        long plain = 2 * 2L * blockNumbers();
                        // Other threads allocate meanwhile, the compiler for instance.
                        assertTrue(freed >= 0.8 * plain, freed + " bytes freed of " + plain);

                        var linear = decoder.linears().getFirst();
                        var gone =
                                assertThrows(IllegalStateException.class, () -> linear.weight(0));
                        assertEquals(
                                "of model.layers.0.self_attn.q_proj only what forward passes read"
                                        + " is kept",
                                gone.getMessage());
                        assertThrows(
                                IllegalStateException.class,
                                () -> Outcome.lora(decoder, Outcome.allLinear(0), Outcome.DEFAULT));
                    }
                });
    }

    private static long blockNumbers() {
        long width = CONFIG.hiddenSize();
        long keys = (long) CONFIG.attention().kvHeads() * CONFIG.attention().headDim();
        return width * (2 * width + 2 * keys + 3L * CONFIG.intermediateSize());
    }
}
