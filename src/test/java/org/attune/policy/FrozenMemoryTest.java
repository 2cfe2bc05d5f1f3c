package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.testing.Hardware;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.zip.CRC32;

/// What processes of a machine may have in memory once stays as it is while an adapter is trained.
class FrozenMemoryTest {
    private static final DecoderConfig CONFIG = TinyModels.smol(2, 500);

    private static List<Long> sums(Decoder decoder) {
        return decoder.frozenMemory().stream()
                .map(
                        memory -> {
                            var sum = new CRC32();
                            sum.update(memory.toArray(ValueLayout.JAVA_BYTE));
                            return sum.getValue();
                        })
                .toList();
    }

    private static void pass(Policy policy) {
        var builder = TokenForest.builder();
        int root = builder.root(TinyModels.tokens("text", CONFIG, 30));
        builder.target(root, 29);
        policy.startStep(1);
        try (Evaluation e = policy.evaluate(builder.build(), HeadRequest.of())) {
            e.backward(new float[] {1});
        }
    }

    @Test
    void staysAsItIsWhileAnAdapterIsTrained() {
        Hardware.requireProcessor();
        for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
            Engine.run(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(CONFIG, dtype);
                                Policy policy =
                                        Adapted.policy(
                                                decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
                            decoder.packBackward();
                            List<Long> before = sums(decoder);
                            assertTrue(before.size() > 0);
                            pass(policy);
                            Adapted.shift(policy);
                            pass(policy);
                            assertEquals(before, sums(decoder), dtype.toString());
                        }
                    });
        }
    }

    @Test
    void thereIsNoneWhereAllWeightsAreTrained() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(CONFIG, DType.BFLOAT16);
                            Policy _ = Policy.withAllWeights(decoder, Outcome.DEFAULT)) {
                        assertEquals(List.of(), decoder.frozenMemory());
                    }
                });
    }
}
