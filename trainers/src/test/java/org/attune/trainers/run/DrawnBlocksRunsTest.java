package org.attune.trainers.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.optim.OptimizerType;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TinyRun;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Runs in which blocks learn in turn.
class DrawnBlocksRunsTest {
    private static final int LAYERS = 6;
    private static final int BLOCKS = 2;
    private static final int INTERVAL = 3;
    private static final int STEPS = 8;
    private static final double RATE = 1e-3;

    @TempDir private Path folder;

    private static DecoderConfig model() {
        var attention =
                new AttentionConfig(4, 2, 8, false, false, false, Collections.nCopies(LAYERS, 0));
        return TinyModels.sized("llama", 32, 44, 31, LAYERS, attention, false, true);
    }

    private TrainingConfig training(String output) {
        return ShortRun.of(SftConfig.defaults().training(), STEPS, RATE, folder.resolve(output))
                .withSchedule(s -> s.withLrSchedulerType(LrSchedulerType.CONSTANT))
                .withOptimizer(o -> o.withMaxGradNorm(0))
                .withBatch(b -> b.withPerDeviceTrainBatchSize(2))
                .withSave(s -> s.withSaveSteps(1).withSaveTotalLimit(STEPS));
    }

    private static Policy drawn(Decoder decoder) {
        return Policy.withWeights(decoder, BLOCKS, INTERVAL, Policy.Options.defaults());
    }

    private static void train(
            TinyRun method,
            DType dtype,
            TrainingConfig training,
            Function<Decoder, Policy> make,
            TrainingListener listener) {
        Engine.run(
                () -> {
                    try (var decoder = TinyModels.decoder(model(), dtype);
                            Policy policy = make.apply(decoder)) {
                        RunContext context =
                                RunContext.of(
                                        path ->
                                                SafeTensorsWriter.write(
                                                        path.resolve("model.safetensors"),
                                                        policy.weights(DType.FLOAT32)));
                        method.train(training, policy, context.withListeners(listener));
                    }
                });
    }

    /// What learns in each step.
    private static List<Set<String>> learning() {
        return Engine.call(
                () -> {
                    try (var decoder = TinyModels.decoder(model());
                            Policy policy = drawn(decoder)) {
                        List<Set<String>> steps = new ArrayList<>();
                        for (int step = 0; step < STEPS; step++) {
                            ParameterSpace space = policy.parameters();
                            space.draw(step);
                            steps.add(names(space));
                        }
                        return steps;
                    }
                });
    }

    private static Set<String> names(ParameterSpace space) {
        return space.parameters().stream()
                .map(ParameterSpace.Parameter::name)
                .collect(Collectors.toSet());
    }

    private Map<String, float[]> weights(String run, int step) {
        Path file = folder.resolve(run, "checkpoint-" + step, "model.safetensors");
        var found = new TreeMap<String, float[]>();
        try (var tensors = SafeTensorsFile.open(file);
                Arena arena = Arena.ofConfined()) {
            for (String name : tensors.entries().keySet()) {
                found.put(name, tensors.read(name, arena).toArray(ValueLayout.JAVA_FLOAT));
            }
        }
        return found;
    }

    @Test
    void blocksThatRestStayAndOthersMove() {
        train(
                TinyRun.SFT,
                DType.FLOAT32,
                training("moves"),
                DrawnBlocksRunsTest::drawn,
                new RecordingListener());
        List<Set<String>> learning = learning();
        assertTrue(new HashSet<>(learning).size() > 1, "others are drawn");
        for (int step = 2; step <= STEPS; step++) {
            Map<String, float[]> before = weights("moves", step - 1);
            Map<String, float[]> after = weights("moves", step);
            Set<String> moved =
                    after.keySet().stream()
                            .filter(n -> !Arrays.equals(before.get(n), after.get(n)))
                            .collect(Collectors.toSet());
            assertEquals(learning.get(step - 1), moved, "step " + step);
            assertTrue(moved.containsAll(Set.of("model.embed_tokens.weight", "model.norm.weight")));
        }
    }

    /// The first update along a fresh moment is as long as the learning rate, wherever the gradient
    /// isn't tiny; of moments that are left over, or corrected as old ones, it would be otherwise.
    @Test
    void momentsBeginAnewWithATurn() {
        train(
                TinyRun.SFT,
                DType.FLOAT32,
                training("fresh"),
                DrawnBlocksRunsTest::drawn,
                new RecordingListener());
        List<Set<String>> learning = learning();
        for (int first : new int[] {INTERVAL + 1, 2 * INTERVAL + 1}) {
            Map<String, float[]> before = weights("fresh", first - 1);
            Map<String, float[]> after = weights("fresh", first);
            for (String name : learning.get(first - 1)) {
                double whole = wholeSteps(before.get(name), after.get(name));
                if (name.contains("layers")) {
                    assertTrue(whole > 0.95, name + " " + whole);
                } else { // what learns always keeps its moments
                    assertTrue(whole < 0.5, name + " " + whole);
                }
            }
        }
    }

    /// Share of the numbers that moved which moved by the learning rate.
    private static double wholeSteps(float[] before, float[] after) {
        int moved = 0;
        int whole = 0;
        for (int i = 0; i < before.length; i++) {
            double by = Math.abs((double) after[i] - before[i]);
            moved += by > 0 ? 1 : 0;
            whole += Math.abs(by - RATE) < 1e-3 * RATE ? 1 : 0;
        }
        return (double) whole / moved;
    }

    /// To the bit.
    @Test
    void theFirstTurnIsARunOfTheseWeights() {
        var turns = new RecordingListener();
        train(TinyRun.SFT, DType.FLOAT32, training("turns"), DrawnBlocksRunsTest::drawn, turns);
        Set<String> first = learning().getFirst();
        var fixed = new RecordingListener();
        train(
                TinyRun.SFT,
                DType.FLOAT32,
                training("fixed"),
                d -> Policy.withWeights(d, first::contains, Policy.Options.defaults(), false),
                fixed);
        assertEquals(fixed.logs.subList(0, INTERVAL), turns.logs.subList(0, INTERVAL));
        assertFalse(fixed.logs.get(STEPS - 1).equals(turns.logs.get(STEPS - 1)));
        Map<String, float[]> one = weights("fixed", INTERVAL);
        weights("turns", INTERVAL)
                .forEach((name, w) -> assertArrayEquals(one.get(name), w, 0, name));
    }

    private static TrainingListener killer(int at) {
        return new TrainingListener() {
            @Override
            public void onLog(int step, Map<String, Object> metrics) {
                if (step == at) {
                    throw new IllegalStateException("killed");
                }
            }
        };
    }

    /// In the midst of a turn, at its end and after its first step, with weights in half precision.
    @Test
    void aResumedRunLeavesTheBytesOfAnUndisturbedOne() throws IOException {
        train(
                TinyRun.SFT,
                DType.BFLOAT16,
                training("whole"),
                DrawnBlocksRunsTest::drawn,
                new RecordingListener());
        for (int saved : new int[] {INTERVAL - 1, INTERVAL, INTERVAL + 1, 2 * INTERVAL + 1}) {
            String name = "resumed" + saved;
            assertThrows(
                    IllegalStateException.class,
                    () ->
                            train(
                                    TinyRun.SFT,
                                    DType.BFLOAT16,
                                    training(name),
                                    DrawnBlocksRunsTest::drawn,
                                    killer(saved + 1)));
            var listener = new RecordingListener();
            train(
                    TinyRun.SFT,
                    DType.BFLOAT16,
                    training(name).withSave(s -> s.withResume(new Resume.Latest())),
                    DrawnBlocksRunsTest::drawn,
                    listener);
            assertEquals(saved, listener.info.firstStep());
            for (String file :
                    List.of(
                            "checkpoint-8/optimizer.safetensors",
                            "checkpoint-8/model.safetensors",
                            "model.safetensors")) {
                assertArrayEquals(
                        Files.readAllBytes(folder.resolve("whole", file)),
                        Files.readAllBytes(folder.resolve(name, file)),
                        name + "/" + file);
            }
        }
    }

    @Test
    void memoryStaysAsItIs() {
        List<List<Long>> turns = new ArrayList<>();
        List<List<Long>> all = new ArrayList<>();
        train(TinyRun.SFT, DType.FLOAT32, training("a"), DrawnBlocksRunsTest::drawn, live(turns));
        train(
                TinyRun.SFT,
                DType.FLOAT32,
                training("b"),
                d -> Policy.withAllWeights(d, Policy.Options.defaults()),
                live(all));
        assertEquals(1, new HashSet<>(turns).size(), turns + "");
        assertTrue(
                turns.getFirst().getFirst() < 0.7 * all.getFirst().getFirst(),
                turns + " of " + all);
    }

    private static TrainingListener live(List<List<Long>> to) {
        long before = TensorScope.liveBytes(); // what other tests of the process left
        return new TrainingListener() {
            @Override
            public void onStep(int step, long tokens, PhaseClock clock) {
                to.add(List.of(TensorScope.liveBytes() - before, TensorScope.liveTensors()));
            }
        };
    }

    @Test
    void otherMethodsRun() {
        for (TinyRun method : List.of(TinyRun.DPO, TinyRun.GRPO)) {
            var listener = new RecordingListener();
            String name = "method" + (method == TinyRun.DPO ? "dpo" : "grpo");
            train(method, DType.FLOAT32, training(name), DrawnBlocksRunsTest::drawn, listener);
            assertEquals(STEPS, listener.logs.size());
            Map<String, float[]> begun = weights(name, 1);
            Map<String, float[]> end = weights(name, STEPS);
            assertTrue(
                    learning().get(STEPS - 1).stream()
                            .anyMatch(n -> !Arrays.equals(begun.get(n), end.get(n))));
        }
    }

    @Test
    void optimizersOfWholeMatricesAreRefused() {
        for (OptimizerType optim :
                List.of(
                        OptimizerType.ADAMW_8BIT,
                        OptimizerType.MUON,
                        OptimizerType.ADAFACTOR,
                        OptimizerType.SCHEDULE_FREE_ADAMW)) {
            TrainingConfig training = training("refused").withOptimizer(o -> o.withOptim(optim));
            String message =
                    assertThrows(
                                    ConfigException.class,
                                    () ->
                                            train(
                                                    TinyRun.SFT,
                                                    DType.FLOAT32,
                                                    training,
                                                    DrawnBlocksRunsTest::drawn,
                                                    new RecordingListener()))
                            .getMessage();
            assertTrue(message.contains("lisa_n_layers"), message);
        }
    }
}
