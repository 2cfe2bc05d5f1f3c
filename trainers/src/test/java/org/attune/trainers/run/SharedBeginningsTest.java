package org.attune.trainers.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ScoreKind;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TinyRun;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// Runs whose rows begin alike give the numbers of runs that compute each beginning by itself, in
/// fewer tokens.
class SharedBeginningsTest {
    private static final int STEPS = 3;

    @TempDir private Path folder;

    /// What a run ends with.
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record End(float[] weights, List<Map<String, Object>> logs, long rows) {}

    private End train(String name, TinyRun method, DecoderConfig model, boolean shares) {
        TrainingConfig training =
                ShortRun.of(
                                SftConfig.defaults().training(),
                                STEPS,
                                1,
                                folder.resolve(name + shares))
                        // Makes steps proportional to gradients.
                        .withOptimizer(o -> o.withAdamEpsilon(1))
                        .withBatch(b -> b.withPerDeviceTrainBatchSize(4));
        return Engine.call(
                () -> {
                    var listener = new RecordingListener();
                    var clock = new PhaseClock();
                    try (var decoder = TinyModels.decoder(model);
                            Policy policy =
                                    Policy.withAllWeights(decoder, Policy.Options.defaults())) {
                        RunContext context =
                                RunContext.of(
                                                path ->
                                                        SafeTensorsWriter.write(
                                                                path.resolve("model.safetensors"),
                                                                policy.weights(DType.FLOAT32)))
                                        .withSharePrompts(shares)
                                        .withListeners(listener)
                                        .withClock(clock);
                        method.train(training, policy, context);
                        ParameterSpace space = policy.parameters();
                        return new End(
                                space.values().toFloats(),
                                listener.logs,
                                clock.passes().get("forward").rows());
                    }
                });
    }

    private void assertAlike(String name, TinyRun method, DecoderConfig model) {
        End shared = train(name, method, model, true);
        End separate = train(name, method, model, false);
        assertTrue(shared.rows() < separate.rows() * 0.75, name);
        assertArrayEquals(separate.weights(), shared.weights(), 2e-5f, name);
        for (int i = 0; i < STEPS; i++) {
            double expected = ((Number) separate.logs().get(i).get("loss")).doubleValue();
            double got = ((Number) shared.logs().get(i).get("loss")).doubleValue();
            assertEquals(expected, got, 1e-5, name);
        }
    }

    @Tag("thorough")
    @Test
    void everyTrainerGivesTheSameNumbers() {
        assertAlike("sft", TinyRun.packedSft(), TinyModels.tiedLlama());
        assertAlike("dpo", TinyRun.DPO, TinyModels.tiedLlama());
        assertAlike("orpo", TinyRun.ORPO, TinyModels.tiedLlama());
        assertAlike("cpo", TinyRun.CPO, TinyModels.tiedLlama());
        assertAlike("tpo", TinyRun.TPO, TinyModels.tiedLlama());
        assertAlike("bco", TinyRun.BCO, TinyModels.tiedLlama());
        assertAlike("kto", TinyRun.KTO, TinyModels.tiedLlama());
        assertAlike("reward", TinyRun.REWARD, TinyModels.llama().withLabels(1));
        assertAlike("prm", TinyRun.PRM, TinyModels.llama().withScores(ScoreKind.TOKEN, 2));
    }
}
