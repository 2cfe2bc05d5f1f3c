package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.CheckpointException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

class MovingReferenceTest {
    private static final DecoderConfig CONFIG = TinyModels.tiedLlama();

    @TempDir private Path folder;

    private static float[] logProbs(Scorer scorer) {
        var builder = TokenForest.builder();
        int root = builder.root(TinyModels.tokens("text", CONFIG, 40));
        for (int t = 1; t < 40; t++) {
            builder.target(root, t);
        }
        return Outcome.logProbs(scorer, builder.build());
    }

    /// With a share of 1 it becomes the policy, to the bit; with 0 it stays.
    @Test
    void anAdaptersCopyFollowsIt() {
        for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
            Engine.run(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(CONFIG, dtype);
                                Policy policy =
                                        Adapted.policy(
                                                decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
                            decoder.packBackward();
                            MovingReference reference = policy.movingAdapter();
                            assertEquals(Scorer.Start.SAME, reference.start());
                            follows(policy, reference);
                        }
                    });
        }
    }

    @Test
    void aModelFollowsAPolicyOfWhichAllWeightsAreTrained() {
        for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
            Engine.run(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(CONFIG, dtype);
                                Decoder other = TinyModels.decoder(CONFIG, dtype);
                                Policy policy = Policy.withAllWeights(decoder, Outcome.DEFAULT);
                                MovingReference reference =
                                        policy.movingModel(other, Scorer.Start.SAME)) {
                            other.pack(); // which must not keep what moves
                            follows(policy, reference);
                        }
                    });
        }
    }

    private static void follows(Policy policy, MovingReference reference) {
        float[] before = logProbs(reference);
        assertArrayEquals(logProbs(policy), before);
        Adapted.shift(policy);
        float[] after = logProbs(policy);
        assertFalse(Arrays.equals(before, after));
        assertArrayEquals(before, logProbs(reference));
        reference.move(0);
        assertArrayEquals(before, logProbs(reference));
        reference.move(1);
        assertArrayEquals(after, logProbs(reference));
    }

    /// θ_ref = 0.25 · 2 + 0.75 · 1, then 0.25 · 2 + 0.75 · 1.25.
    @Test
    void valuesAreMixed() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(CONFIG, DType.BFLOAT16);
                            Decoder other = TinyModels.decoder(CONFIG, DType.BFLOAT16);
                            Policy policy = Policy.withAllWeights(decoder, Outcome.DEFAULT)) {
                        other.embedding().base().fillInPlace(1);
                        policy.parameters().values().fillInPlace(2);
                        try (var reference = policy.movingModel(other, Scorer.Start.OTHER)) {
                            reference.move(0.25);
                            assertEquals(1.25, first(other));
                            reference.move(0.25);
                            assertEquals(1.4375, first(other));
                            for (int i = 0; i < 200; i++) {
                                reference.move(1e-4); // less than half a unit of bfloat16 each
                            }
                            assertTrue(first(other) > 1.4375, "" + first(other));
                        }
                    }
                });
    }

    private static double first(Decoder decoder) {
        return decoder.embedding().base().to(DType.FLOAT32).toFloats()[0];
    }

    @Test
    void stateComesBackToTheBit() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(CONFIG);
                            Policy policy =
                                    Adapted.policy(
                                            decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
                        MovingReference reference = policy.movingAdapter();
                        Adapted.shift(policy);
                        reference.move(0.3);
                        float[] moved = logProbs(reference);
                        Path file = folder.resolve("reference.safetensors");
                        SafeTensorsWriter.write(file, reference.state());
                        reference.move(0.5);
                        assertFalse(Arrays.equals(moved, logProbs(reference)));
                        try (var written = SafeTensorsFile.open(file)) {
                            reference.restore(written);
                        }
                        assertArrayEquals(moved, logProbs(reference));
                    }
                });
    }

    @Test
    void stateOfOtherWeightsIsRefused() {
        Engine.run(
                () -> {
                    Path file = folder.resolve("other.safetensors");
                    SafeTensorsWriter.write(file, List.of());
                    try (Decoder decoder = TinyModels.decoder(CONFIG);
                            Policy policy =
                                    Adapted.policy(decoder, Outcome.allLinear(0), Outcome.DEFAULT);
                            var empty = SafeTensorsFile.open(file)) {
                        MovingReference reference = policy.movingAdapter();
                        var error =
                                assertThrows(
                                        CheckpointException.class, () -> reference.restore(empty));
                        assertTrue(error.getMessage().contains("lora_A"), error.getMessage());
                    }
                });
    }

    @Test
    void aModelOfAnotherShapeCanNotFollow() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(CONFIG);
                            Decoder other = TinyModels.decoder(TinyModels.llama());
                            Policy policy = Policy.withAllWeights(decoder, Outcome.DEFAULT)) {
                        var error =
                                assertThrows(
                                        IllegalArgumentException.class,
                                        () -> policy.movingModel(other, Scorer.Start.OTHER));
                        assertTrue(error.getMessage().contains("has shape"), error.getMessage());
                    }
                });
    }
}
