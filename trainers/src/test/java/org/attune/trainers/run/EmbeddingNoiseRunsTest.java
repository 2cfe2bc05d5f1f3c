package org.attune.trainers.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.ModuleSelection;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ScoreKind;
import org.attune.model.layer.Decoder;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.ppo.PpoConfig;
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
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/// Noise on embeddings in every method that learns from rows: the same however a step is computed,
/// and another one in each step.
class EmbeddingNoiseRunsTest {
    private static final double ALPHA = 20;
    private static final int STEPS = 3;

    @TempDir private Path folder;

    /// @param losses of the steps
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record End(float[] weights, List<Double> losses) {}

    private End train(
            String name,
            TinyRun method,
            DecoderConfig model,
            UnaryOperator<TrainingConfig> changed) {
        return train(name, method, model, Policy::withAllWeights, changed);
    }

    private End train(
            String name,
            TinyRun method,
            DecoderConfig model,
            BiFunction<Decoder, Policy.Options, Policy> opened,
            UnaryOperator<TrainingConfig> changed) {
        TrainingConfig training =
                changed.apply(
                        ShortRun.of(SftConfig.defaults().training(), STEPS, 1, folder.resolve(name))
                                .withOptimizer(o -> o.withAdamEpsilon(1)) // steps like gradients
                                .withBatch(b -> b.withPerDeviceTrainBatchSize(4))
                                .withNeftuneNoiseAlpha(ALPHA));
        Policy.Options options =
                Policy.Options.defaults().withNoise(training.neftuneNoiseAlpha().orElse(0));
        return Engine.call(
                () -> {
                    var listener = new RecordingListener();
                    try (var decoder = TinyModels.decoder(model);
                            Policy policy = opened.apply(decoder, options)) {
                        RunContext context =
                                RunContext.of(
                                                path ->
                                                        SafeTensorsWriter.write(
                                                                path.resolve("model.safetensors"),
                                                                policy.weights(DType.FLOAT32)))
                                        .withListeners(listener);
                        method.train(training, policy, context);
                        List<Double> losses =
                                listener.logs.stream()
                                        .filter(log -> log.containsKey("loss"))
                                        .map(log -> ((Number) log.get("loss")).doubleValue())
                                        .toList();
                        ParameterSpace trained = policy.parameters();
                        return new End(trained.values().toFloats(), losses);
                    }
                });
    }

    private void assertIndependentOfGroups(String name, TinyRun method, DecoderConfig model) {
        assertIndependentOfGroups(name, method, model, Policy::withAllWeights);
    }

    private void assertIndependentOfGroups(
            String name,
            TinyRun method,
            DecoderConfig model,
            BiFunction<Decoder, Policy.Options, Policy> opened) {
        End together = train(name, method, model, opened, t -> t);
        End alone =
                train(
                        name + "-alone",
                        method,
                        model,
                        opened,
                        t -> t.withBatch(b -> b.withTokensPerMicroBatch(1)));
        End quiet = train(name + "-quiet", method, model, opened, t -> t.withNeftuneNoiseAlpha(0));
        assertArrayEquals(together.weights(), alone.weights(), 2e-5f, name);
        for (int i = 0; i < STEPS; i++) {
            assertEquals(together.losses().get(i), alone.losses().get(i), 1e-5, name);
            assertNotEquals(together.losses().get(i), quiet.losses().get(i), 1e-5, name);
        }
    }

    @Tag("thorough")
    @Test
    void everyMethodGivesTheSameNumbersWhateverIsComputedAtOnce() {
        assertIndependentOfGroups("sft", TinyRun.packedSft(), TinyModels.tiedLlama());
        assertIndependentOfGroups("dpo", TinyRun.DPO, TinyModels.tiedLlama());
        assertIndependentOfGroups("bco", TinyRun.BCO, TinyModels.tiedLlama());
        assertIndependentOfGroups("kto", TinyRun.KTO, TinyModels.tiedLlama());
        assertIndependentOfGroups("reward", TinyRun.REWARD, TinyModels.llama().withLabels(1));
        DecoderConfig steps = TinyModels.llama().withScores(ScoreKind.TOKEN, 2);
        assertIndependentOfGroups("prm", TinyRun.PRM, steps);
    }

    /// An adapter on all layers, and one on the embedding itself.
    @Tag("thorough")
    @Test
    void adaptersLearnUnderTheSameNoise() {
        for (String modules : List.of("all-linear", ".*(q_proj|embed_tokens)")) {
            BiFunction<Decoder, Policy.Options, Policy> adapter =
                    (decoder, options) ->
                            Policy.withFreshAdapter(
                                    decoder,
                                    adapter(modules),
                                    RandomSource.XO_RO_SHI_RO_128_PP.create(3),
                                    options);
            DecoderConfig model = TinyModels.llama();
            assertIndependentOfGroups("sft-" + modules, TinyRun.packedSft(), model, adapter);
            assertIndependentOfGroups("cpo-" + modules, TinyRun.CPO, model, adapter);
        }
    }

    private static LoraConfig adapter(String modules) {
        return new LoraConfig(
                4,
                8,
                0,
                false,
                false,
                ModuleSelection.of(modules),
                Optional.empty(),
                List.of(),
                List.of(),
                Map.of(),
                Map.of(),
                List.of(),
                false,
                LoraInitialisation.RANDOM_BOTH,
                "CAUSAL_LM",
                Optional.empty());
    }

    @Test
    void aStepThatChangesNothingIsFollowedByOtherNoise() {
        UnaryOperator<TrainingConfig> still = t -> t.withOptimizer(o -> o.withLearningRate(0));
        List<Double> losses = train("still", TinyRun.SFT, TinyModels.tiedLlama(), still).losses();
        assertNotEquals(losses.get(0), losses.get(1), 1e-6);
    }

    @Test
    void aResumedRunDrawsWhatTheUndisturbedOneDoes() {
        DecoderConfig model = TinyModels.tiedLlama();
        UnaryOperator<TrainingConfig> saving =
                t -> t.withSave(s -> s.withSaveStrategy(SaveStrategy.STEPS).withSaveSteps(2));
        End whole = train("whole", TinyRun.SFT, model, saving);
        Path checkpoint = folder.resolve("whole/checkpoint-2");
        End resumed =
                train(
                        "resumed",
                        TinyRun.SFT,
                        model,
                        t ->
                                saving.apply(t)
                                        .withSave(s -> s.withResume(new Resume.From(checkpoint))));
        assertEquals(whole.losses().getLast(), resumed.losses().getLast());
    }

    @Test
    void methodsThatSampleRefuseIt() {
        TrainingConfig noisy = GrpoConfig.defaults().training().withNeftuneNoiseAlpha(5);
        String expected =
                "neftune_noise_alpha: 5.0; accepted: null: completions are sampled without noise,"
                        + " so ratios to the sampler would be those of another model";
        for (List<ConfigProblem> problems :
                List.of(
                        GrpoConfig.defaults().withTraining(noisy).crossFieldProblems(),
                        PpoConfig.defaults().withTraining(noisy).crossFieldProblems())) {
            assertEquals(1, problems.stream().filter(p -> p.toString().equals(expected)).count());
        }
    }
}
