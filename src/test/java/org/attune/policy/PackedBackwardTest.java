package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.LoraConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.TensorScope;
import org.attune.testing.Hardware;
import org.attune.testing.ProcessMemory;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.List;

/// Backward passes that read copies of the weights made for them give the gradients that the
/// weights give, whatever adapters do in between.
class PackedBackwardTest {
    private static final DecoderConfig CONFIG = TinyModels.smol(2, 500);

    private static TokenForest forest() {
        var builder = TokenForest.builder();
        int root = builder.root(TinyModels.tokens("text", CONFIG, 90));
        for (int t = 1; t < 90; t++) {
            builder.target(root, t);
        }
        return builder.build();
    }

    private static float[] gradients(Policy policy) {
        policy.parameters().gradients().zeroInPlace();
        policy.startStep(1);
        try (Evaluation e = policy.evaluate(forest(), HeadRequest.of())) {
            float[] slopes = new float[89];
            for (int t = 0; t < 89; t++) {
                slopes[t] = (t * 5 % 7 - 3) / 4f;
            }
            e.backward(slopes);
        }
        return policy.parameters().gradients().toFloats();
    }

    private static void assertSame(float[] expected, float[] seen) {
        double sum = 0;
        for (float v : expected) {
            sum += (double) v * v;
        }
        double largest = Math.sqrt(sum);
        assertTrue(largest > 1e-3, "a gradient of " + largest);
        assertClose("gradient", expected, seen, 2e-3 * largest, 0);
    }

    @Test
    void gradientsAreThoseOfPlainWeights() {
        for (double dropout : new double[] {0, 0.2}) {
            Engine.run(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(CONFIG, DType.BFLOAT16);
                                Policy policy =
                                        Adapted.policy(
                                                decoder,
                                                Outcome.allLinear(dropout),
                                                Outcome.DEFAULT)) {
                            float[] plain = gradients(policy);
                            decoder.packBackward();
                            boolean packs = PackedMatrix.isUseful(decoder.device(), DType.BFLOAT16);
                            assertEquals(packs, policy.hasCopies());
                            assertSame(plain, gradients(policy));

                            Adapted.shift(policy); // the copies hold nothing of the adapter
                            float[] packed = gradients(policy);
                            try (Decoder other = TinyModels.decoder(CONFIG, DType.BFLOAT16);
                                    Policy again =
                                            Adapted.policy(
                                                    other,
                                                    Outcome.allLinear(dropout),
                                                    Outcome.DEFAULT)) {
                                Adapted.shift(again);
                                assertSame(gradients(again), packed);
                            }
                        }
                    });
        }
    }

    private static List<float[]> weights(Decoder decoder) {
        try (var _ = TensorScope.open("test")) {
            return decoder.linears().stream()
                    .map(l -> l.weight(0).contiguous().toFloats())
                    .toList();
        }
    }

    private static float[] logProbs(Scorer scorer) {
        return Outcome.logProbs(scorer, forest());
    }

    @Test
    void weightsThatAllProductsHaveCopiesOfAreGivenBackAndMadeAgain() {
        Hardware.requireBfloat16Products();
        Hardware.requireGlibc();
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(CONFIG, DType.BFLOAT16);
                            Policy policy =
                                    Adapted.policy(
                                            decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
                        List<float[]> before = weights(decoder);
                        long bytes = ProcessMemory.nativeBytes();
                        decoder.packBackward();
                        long more = ProcessMemory.nativeBytes() - bytes;
                        long numbers = before.stream().mapToLong(w -> w.length).sum();
                        assertTrue(more < numbers, more + " bytes for " + numbers);

                        Scorer frozen = policy.frozenAdapter(); // of whose columns a copy is made
                        assertArrayEquals(logProbs(policy), logProbs(frozen));
                        Adapted.shift(policy);
                        float[] shifted = gradients(policy);
                        List<float[]> again = weights(decoder);
                        for (int i = 0; i < before.size(); i++) {
                            assertArrayEquals(before.get(i), again.get(i));
                        }
                        assertSame(shifted, gradients(policy));
                    }
                });
    }

    @Test
    void otherAdaptersCanTakeTheirPlace() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(CONFIG, DType.BFLOAT16);
                            Decoder other = TinyModels.decoder(CONFIG, DType.BFLOAT16);
                            Policy first =
                                    Adapted.policy(
                                            decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
                        decoder.packBackward();
                        float[] before = gradients(first);
                        LoraConfig queries = Adapted.config(List.of("q_proj"), List.of(), false, 0);
                        try (Policy second = Adapted.policy(decoder, queries, Outcome.DEFAULT);
                                Policy alone = Adapted.policy(other, queries, Outcome.DEFAULT)) {
                            other.packBackward();
                            assertArrayEquals(gradients(alone), gradients(second));
                            assertArrayEquals(
                                    logProbs(alone.adapterOff()), logProbs(second.adapterOff()));
                        }
                        first.attachAdapter();
                        assertArrayEquals(before, gradients(first));
                    }
                });
    }

    @Test
    void weightsThatAreTrainedHaveNone() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(CONFIG, DType.BFLOAT16)) {
                        decoder.packBackward();
                        try (Policy policy = Policy.withAllWeights(decoder, Outcome.DEFAULT)) {
                            assertFalse(policy.hasCopies());
                            decoder.packBackward();
                            assertFalse(policy.hasCopies());
                        }
                    }
                });
    }
}
