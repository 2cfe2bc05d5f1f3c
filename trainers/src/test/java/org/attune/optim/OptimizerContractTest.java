package org.attune.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.CheckpointException;
import org.attune.error.ConfigException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// What holds for optimizers of every kind.
class OptimizerContractTest {
    private static final List<Parameter> PARAMETERS =
            List.of(
                    new Parameter("layers.0.q_proj.weight", new long[] {65, 64}, 0, true),
                    new Parameter("norm", new long[] {7}, 65 * 64, false),
                    new Parameter("embed_tokens.weight", new long[] {9, 4}, 65 * 64 + 7, true));
    private static final int SIZE = 65 * 64 + 7 + 36;
    private static final double RATE = 0.01;

    @TempDir private Path folder;

    private static float[] numbers(int seed) {
        var random = RandomSource.XO_RO_SHI_RO_128_PP.create(seed);
        float[] numbers = new float[SIZE];
        for (int i = 0; i < SIZE; i++) {
            numbers[i] = random.nextFloat() - 0.5f;
        }
        return numbers;
    }

    private static OptimizerKind kind(String optim) {
        String[] words = optim.split(" ");
        String args = words.length > 1 ? words[1] : "";
        return new OptimizerOptions(RecordedOptimizer.type(words[0]), args, 0.9, 0.95, 1e-8, 2)
                .kind();
    }

    private static FlatOptimizer optimizer(FlatParameters space, String optim) {
        return new FlatOptimizer(space, kind(optim), ParameterGroups.of(0.1));
    }

    /// Whether an optimizer isn't computed on the tests' device. It must say so then.
    private static boolean isRefused(String optim) {
        if (kind(optim).serves(Devices.usual())) {
            return false;
        }
        Engine.run(
                () -> {
                    long live = TensorScope.liveTensors();
                    try (var space = new FlatParameters(PARAMETERS, numbers(1))) {
                        var error =
                                assertThrows(ConfigException.class, () -> optimizer(space, optim));
                        assertTrue(error.getMessage().contains("8bit"), error.getMessage());
                    }
                    assertEquals(live, TensorScope.liveTensors());
                });
        return true;
    }

    /// Steps `from` to `to`, and what the values then are.
    private static void steps(FlatParameters space, FlatOptimizer optimizer, int from, int to) {
        IntStream.range(from, to)
                .forEach(
                        step -> {
                            space.setGradients(numbers(100 + step));
                            optimizer.step(RATE / (step + 1), 0.7);
                        });
    }

    @Tag("thorough")
    @ParameterizedTest
    @ValueSource(
            strings = {
                "adamw_torch",
                "adamw_torch amsgrad=true",
                "adamw_8bit",
                "adam",
                "sgd momentum=0.9,nesterov=true",
                "sgd",
                "rmsprop centered=true,momentum=0.5",
                "rmsprop_bnb_8bit",
                "adagrad",
                "adafactor",
                "adafactor beta1=0.9,relative_step=true,scale_parameter=true",
                "adafactor_torch",
                "lion_32bit",
                "lion_8bit",
                "ademamix",
                "ademamix_8bit",
                "muon",
                "schedule_free_adamw",
                "schedule_free_sgd"
            })
    void restoredOneGoesOnBitForBit(String optim) {
        if (isRefused(optim)) {
            return;
        }
        Path file = folder.resolve("optimizer.safetensors");
        Engine.run(
                () -> {
                    float[] expected;
                    float[] result;
                    try (var space = new FlatParameters(PARAMETERS, numbers(1));
                            var optimizer = optimizer(space, optim)) {
                        long live = TensorScope.liveTensors();
                        steps(space, optimizer, 0, 3);
                        optimizer.showResult(); // which a checkpoint is written in
                        SafeTensorsWriter.write(file, optimizer.state());
                        optimizer.showTrained();
                        steps(space, optimizer, 3, 5);
                        assertEquals(live, TensorScope.liveTensors());
                        expected = space.values().toFloats();
                        optimizer.showResult();
                        result = space.values().toFloats();
                        assertEquals(kind(optim).averages(), !same(expected, result));
                    }
                    assertFalse(same(numbers(1), expected));
                    try (var space = new FlatParameters(PARAMETERS, numbers(2));
                            var optimizer = optimizer(space, optim);
                            var saved = SafeTensorsFile.open(file)) {
                        optimizer.restore(saved);
                        assertEquals(3, optimizer.steps());
                        steps(space, optimizer, 3, 5);
                        assertArrayEquals(expected, space.values().toFloats(), 0);
                        optimizer.showResult();
                        assertArrayEquals(result, space.values().toFloats(), 0);
                    }
                });
    }

    private static boolean same(float[] a, float[] b) {
        return Arrays.equals(a, b);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"adamw_8bit", "sgd momentum=0.9", "adafactor", "muon", "schedule_free_sgd"})
    void whatWasKeptComesBackBitForBit(String optim) {
        if (isRefused(optim)) {
            return;
        }
        Engine.run(
                () -> {
                    try (var space = new FlatParameters(PARAMETERS, numbers(1));
                            var optimizer = optimizer(space, optim)) {
                        steps(space, optimizer, 0, 2);
                        optimizer.keep();
                        steps(space, optimizer, 2, 4);
                        float[] first = space.values().toFloats();
                        optimizer.goBack();
                        steps(space, optimizer, 2, 4);
                        assertArrayEquals(first, space.values().toFloats(), 0);
                    }
                });
    }

    @Tag("thorough")
    @ParameterizedTest
    @ValueSource(
            strings = {
                "adamw_torch",
                "adamw_8bit",
                "sgd",
                "adafactor",
                "lion_32bit",
                "lion_8bit",
                "muon",
                "schedule_free_adamw"
            })
    void memoryIsKnownBefore(String optim) {
        if (isRefused(optim)) {
            return;
        }
        Engine.run(
                () -> {
                    // On a GPU the first array makes the place that arrays are sent from.
                    new FlatParameters(PARAMETERS, numbers(1)).close();
                    long before = TensorScope.liveBytes();
                    try (var space = new FlatParameters(PARAMETERS, numbers(1))) {
                        long own = TensorScope.liveBytes();
                        try (var optimizer = optimizer(space, optim)) {
                            steps(space, optimizer, 0, 1);
                            optimizer.showResult();
                            assertEquals(
                                    kind(optim).bytes(PARAMETERS)
                                            + FlatParameters.bytesOfClipping(kind(optim)),
                                    TensorScope.liveBytes() - own);
                        }
                    }
                    assertEquals(before, TensorScope.liveBytes());
                });
    }

    @Tag("thorough")
    @ParameterizedTest
    @ValueSource(strings = {"sgd momentum=0.9", "adamw_8bit", "adafactor", "schedule_free_adamw"})
    void stateOfAnotherOptimizerIsRefused(String optim) {
        if (isRefused(optim)) {
            return;
        }
        Path file = folder.resolve("optimizer.safetensors");
        Engine.run(
                () -> {
                    try (var space = new FlatParameters(PARAMETERS, numbers(1));
                            var optimizer = optimizer(space, "lion_32bit")) {
                        SafeTensorsWriter.write(file, optimizer.state());
                    }
                    try (var space = new FlatParameters(PARAMETERS, numbers(1));
                            var optimizer = optimizer(space, optim);
                            var saved = SafeTensorsFile.open(file)) {
                        var error =
                                assertThrows(
                                        CheckpointException.class, () -> optimizer.restore(saved));
                        assertTrue(error.getMessage().contains("another model or optimizer"));
                    }
                });
    }
}
