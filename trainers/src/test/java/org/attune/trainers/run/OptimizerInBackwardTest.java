package org.attune.trainers.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ScoreKind;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.testing.Devices;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SamplingStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TinyRun;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/// Runs with `optimizer_in_bwd` give the numbers of runs without it.
class OptimizerInBackwardTest {
    private static final int STEPS = 6;

    private static final String NORM = "grad_norm";

    @TempDir private Path folder;

    private TrainingConfig training(String output) {
        return ShortRun.of(SftConfig.defaults().training(), STEPS, 1e-2, folder.resolve(output))
                .withOptimizer(o -> o.withMaxGradNorm(0).withWeightDecay(0.1))
                .withBatch(
                        b ->
                                b.withPerDeviceTrainBatchSize(2)
                                        .withTrainSamplingStrategy(SamplingStrategy.RANDOM))
                .withSave(s -> s.withSaveSteps(2).withSaveTotalLimit(10));
    }

    private static TrainingConfig inBackward(TrainingConfig training) {
        return training.withOptimizer(o -> o.withOptimizerInBwd(true));
    }

    private float[] train(
            TinyRun method,
            DecoderConfig model,
            TrainingConfig training,
            TrainingListener listener) {
        return Engine.call(
                () -> {
                    boolean inTurn = training.optimizer().optimizerInBwd();
                    Policy.Options options = Policy.Options.defaults();
                    try (var decoder = TinyModels.decoder(model);
                            Policy policy =
                                    inTurn
                                            ? Policy.withWeights(decoder, _ -> true, options, true)
                                            : Policy.withAllWeights(decoder, options)) {
                        RunContext context =
                                RunContext.of(
                                        path ->
                                                SafeTensorsWriter.write(
                                                        path.resolve("model.safetensors"),
                                                        policy.weights(DType.FLOAT32)));
                        method.train(training, policy, context.withListeners(listener));
                        ParameterSpace space = policy.parameters();
                        return space.values().toFloats();
                    }
                });
    }

    private void assertSame(String name, TinyRun method, DecoderConfig model) {
        var end = new RecordingListener();
        float[] atTheEnd = train(method, model, training(name), end);
        var inBackward = new RecordingListener();
        float[] onTheWay =
                train(method, model, inBackward(training(name + "-in-backward")), inBackward);
        assertArrayEquals(atTheEnd, onTheWay, 0, name);
        assertEquals(STEPS, end.logs.size());
        for (int i = 0; i < STEPS; i++) {
            assertSame(name, end.logs.get(i), inBackward.logs.get(i));
        }
    }

    /// To the bit, norms of gradients too; but a GPU adds those of parts up, and rounds each.
    private static void assertSame(
            String name, Map<String, Object> expected, Map<String, Object> actual) {
        if (Devices.usual().isGpu()) {
            double norm = (double) expected.get(NORM);
            assertEquals(norm, (double) actual.get(NORM), 1e-6 * norm, name);
            actual = new TreeMap<>(actual);
            actual.put(NORM, norm);
        }
        assertEquals(expected, actual, name);
    }

    @Tag("thorough")
    @Test
    void everyTrainerGivesTheSameBitsAndMetrics() {
        assertSame("sft", TinyRun.SFT, TinyModels.tiedLlama());
        assertSame("sft-untied", TinyRun.SFT, TinyModels.llama());
        assertSame("dpo", TinyRun.DPO, TinyModels.tiedLlama());
        assertSame("bco", TinyRun.BCO, TinyModels.tiedLlama());
        assertSame("kto", TinyRun.KTO, TinyModels.tiedLlama());
        assertSame("reward", TinyRun.REWARD, TinyModels.llama().withLabels(1));
        assertSame("grpo", TinyRun.GRPO, TinyModels.tiedLlama());
        assertSame("prm", TinyRun.PRM, TinyModels.llama().withScores(ScoreKind.TOKEN, 2));
    }

    /// Throws in the middle of the fifth step's log.
    private static TrainingListener killer() {
        return new TrainingListener() {
            @Override
            public void onLog(int step, Map<String, Object> metrics) {
                if (step == 5) {
                    throw new IllegalStateException("killed");
                }
            }
        };
    }

    /// The option changes no number, so a run may go on with it or without it.
    @Test
    void resumedRunLeavesTheBytesOfAnUndisturbedOne() throws IOException {
        DecoderConfig model = TinyModels.tiedLlama();
        train(TinyRun.SFT, model, inBackward(training("whole")), new RecordingListener());
        List<UnaryOperator<TrainingConfig>> ways =
                List.of(OptimizerInBackwardTest::inBackward, UnaryOperator.identity());
        for (var before : ways) {
            for (var after : ways) {
                String name = "halves" + ways.indexOf(before) + ways.indexOf(after);
                TrainingConfig first = before.apply(training(name));
                assertThrows(
                        IllegalStateException.class,
                        () -> train(TinyRun.SFT, model, first, killer()));
                TrainingConfig second = after.apply(training(name));
                var listener = new RecordingListener();
                train(
                        TinyRun.SFT,
                        model,
                        second.withSave(s -> s.withResume(new Resume.Latest())),
                        listener);
                assertEquals(4, listener.info.firstStep());
                for (String file :
                        List.of(
                                "checkpoint-6/optimizer.safetensors",
                                "checkpoint-6/model.safetensors",
                                "model.safetensors")) {
                    assertArrayEquals(
                            Files.readAllBytes(folder.resolve("whole").resolve(file)),
                            Files.readAllBytes(folder.resolve(name).resolve(file)),
                            name + "/" + file);
                }
            }
        }
    }

    private String refusal(UnaryOperator<TrainingConfig> change) {
        TrainingConfig training = change.apply(inBackward(training("refused")));
        var listener = new RecordingListener();
        String message =
                assertThrows(
                                ConfigException.class,
                                () -> train(TinyRun.SFT, TinyModels.llama(), training, listener))
                        .getMessage();
        assertEquals(null, listener.info, "refused before the start");
        return message;
    }

    @Test
    void clippingIsRefused() {
        assertEquals(
                "1 problem:\n"
                    + "  max_grad_norm: 0.5; accepted: 0 where optimizer_in_bwd is true: clipping"
                    + " needs the norm of all gradients before the first weight changes",
                refusal(t -> t.withOptimizer(o -> o.withMaxGradNorm(0.5))));
    }

    /// The three longest of the rows have 4, 4 and 3 tokens.
    @Test
    void rowsThatDoNotFitIntoOnePassAreRefused() {
        UnaryOperator<TrainingConfig> threeRows =
                t ->
                        t.withBatch(
                                b ->
                                        b.withPerDeviceTrainBatchSize(1)
                                                .withGradientAccumulationSteps(3)
                                                .withTokensPerMicroBatch(10));
        assertEquals(
                "optimizer_in_bwd: true needs the rows of a step in one backward pass, but its 3"
                    + " rows may have 11 tokens, and tokens_per_micro_batch: 10 computes fewer at"
                    + " once; set tokens_per_micro_batch: 11, lower per_device_train_batch_size x"
                    + " gradient_accumulation_steps (1 x 3) or the length of rows, or set"
                    + " optimizer_in_bwd: false",
                refusal(threeRows));
        var listener = new RecordingListener();
        train(
                TinyRun.SFT,
                TinyModels.llama(),
                inBackward(threeRows.apply(training("fits")))
                        .withBatch(b -> b.withTokensPerMicroBatch(11)),
                listener);
        assertEquals(STEPS, listener.logs.size());
    }

    /// Two prompts of 2 tokens with completions of 4 at most.
    @Test
    void completionsThatMayNotFitIntoOnePassAreRefused() {
        TrainingConfig training =
                inBackward(training("grpo")).withBatch(b -> b.withTokensPerMicroBatch(11));
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        train(
                                                TinyRun.GRPO,
                                                TinyModels.llama(),
                                                training,
                                                new RecordingListener()))
                        .getMessage();
        assertTrue(message.contains("its 2 rows may have 12 tokens"), message);
    }

    /// A row is computed at once, however long it is.
    @Test
    void stepsOfOneRowAlwaysFit() {
        var listener = new RecordingListener();
        train(
                TinyRun.SFT,
                TinyModels.llama(),
                inBackward(training("single"))
                        .withBatch(
                                b -> b.withPerDeviceTrainBatchSize(1).withTokensPerMicroBatch(1)),
                listener);
        assertEquals(STEPS, listener.logs.size());
    }

    @Test
    void aPolicyOfTheOtherKindIsRefused() {
        Engine.run(
                () -> {
                    try (var decoder = TinyModels.decoder(TinyModels.llama());
                            var policy =
                                    Policy.withAllWeights(decoder, Policy.Options.defaults())) {
                        String message =
                                assertThrows(
                                                IllegalArgumentException.class,
                                                () ->
                                                        TinyRun.SFT.train(
                                                                inBackward(training("other")),
                                                                policy,
                                                                RunContext.of(_ -> {})))
                                        .getMessage();
                        assertTrue(
                                message.startsWith(
                                        "optimizer_in_bwd is true, but the policy's gradients are"
                                                + " all kept"),
                                message);
                    }
                });
    }
}
