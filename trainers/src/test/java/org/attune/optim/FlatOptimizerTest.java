package org.attune.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.CheckpointException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.List;

class FlatOptimizerTest {
    private static final List<Parameter> SPACE =
            List.of(
                    new Parameter("matrix", new long[] {2, 2}, 0, true),
                    new Parameter("norm", new long[] {2}, 4, false));

    @TempDir private Path folder;

    @Test
    void firstStepMovesEveryValueByTheRate() {
        // t = 1: m̂ = g and v̂ = g², so each value moves by γ · sign(g), whatever g's size
        Engine.run(
                () -> {
                    try (var space = new FlatParameters(SPACE, new float[6]);
                            var adamw = adamW(space, AdamW.defaults(), 0)) {
                        space.setGradients(new float[] {1e-3f, -5, 0.2f, -0.1f, 7, 0});
                        adamw.step(0.01, 1);
                        assertArrayEquals(
                                new float[] {-0.01f, 0.01f, -0.01f, 0.01f, -0.01f, 0},
                                space.values().toFloats(),
                                1e-6f);
                        assertEquals(1, space.changes());
                    }
                });
    }

    @Test
    void decayIsDecoupledAndSparesNorms() {
        // zero gradients: only the decay moves anything, by the factor 1 - γ λ
        Engine.run(
                () -> {
                    try (var space = new FlatParameters(SPACE, new float[] {1, 2, 3, 4, 5, 6});
                            var adamw = adamW(space, AdamW.defaults(), 0.5)) {
                        adamw.step(0.1, 1);
                        assertArrayEquals(
                                new float[] {0.95f, 1.9f, 2.85f, 3.8f, 5, 6},
                                space.values().toFloats(),
                                1e-6f);
                    }
                });
    }

    @Test
    void oneAndManyPassesGiveTheSameNumbers() {
        int size = 100_003; // several items of work, and no whole number of vectors
        var parameters =
                List.of(
                        new Parameter("matrix", new long[] {size - 1001}, 0, true),
                        new Parameter("norm", new long[] {1001}, size - 1001, false));
        var random = RandomSource.XO_RO_SHI_RO_128_PP.create(5);
        float[] start = new float[size];
        float[][] gradients = new float[3][size];
        for (int i = 0; i < size; i++) {
            start[i] = random.nextFloat() - 0.5f;
            for (float[] gradient : gradients) {
                gradient[i] = i % 13 == 0 ? 0 : (float) Math.exp(30 * random.nextDouble() - 25);
            }
        }
        Engine.run(
                () -> {
                    float[] one = trained(parameters, start, gradients, true);
                    float[] many = trained(parameters, start, gradients, false);
                    assertArrayEquals(many, one, 1.2e-7f, "the last bit: roots differ in theirs");
                });
    }

    private static float[] trained(
            List<Parameter> parameters, float[] start, float[][] gradients, boolean inOnePass) {
        var settings = new AdamW(0.9, 0.95, 1e-6, false);
        try (var space = new FlatParameters(parameters, start);
                var optimizer = adamW(space, settings, 0.1)) {
            long number = 0;
            for (float[] gradient : gradients) {
                space.setGradients(gradient);
                number++;
                if (inOnePass) {
                    optimizer.step(0.003, 0.37);
                } else {
                    byOperators(space, settings, optimizer, number);
                }
            }
            return space.values().toFloats();
        }
    }

    /// What a processor without the kernel does.
    private static void byOperators(
            FlatParameters space, AdamW settings, FlatOptimizer optimizer, long number) {
        var step = new Step(number, 0.003, 0.37, new double[0]);
        for (Parameter p : space.parameters()) {
            try (var _ = TensorScope.open("operators")) {
                settings.byOperators(
                        space.values().narrow(0, p.offset(), p.count()),
                        space.gradients().narrow(0, p.offset(), p.count()),
                        optimizer.moments().stream()
                                .map(m -> m.narrow(0, p.offset(), p.count()))
                                .toList(),
                        step,
                        0.003,
                        p.decays() ? 1 - 0.003 * 0.1 : 1);
            }
        }
    }

    private static FlatOptimizer adamW(FlatParameters space, AdamW settings, double weightDecay) {
        return new FlatOptimizer(space, settings, ParameterGroups.of(weightDecay));
    }

    @Test
    void clippingNeverScalesUp() {
        assertEquals(1, GradientClipping.scale(0.5, 1.0));
        assertEquals(1, GradientClipping.scale(0, 1.0));
        assertEquals(0.25, GradientClipping.scale(4, 1.0), 1e-6);
        assertEquals(1, GradientClipping.scale(1e9, 0), "0 means no clipping");
        assertThrows(IllegalArgumentException.class, () -> GradientClipping.scale(1, Double.NaN));
    }

    @Test
    void restoredOptimizerContinuesBitForBit() {
        Engine.run(
                () -> {
                    float[] g1 = {1, -2, 3, -4, 5, -6};
                    float[] g2 = {0.5f, 0.1f, -3, 2, 1, 1};
                    float[] start = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f};
                    Path file = folder.resolve("optimizer.safetensors");
                    float[] expected;
                    try (var space = new FlatParameters(SPACE, start);
                            var adamw = adamW(space, AdamW.defaults(), 0)) {
                        space.setGradients(g1);
                        adamw.step(0.01, 1);
                        SafeTensorsWriter.write(file, adamw.state());
                        space.setGradients(g2);
                        adamw.step(0.01, 1);
                        expected = space.values().toFloats();
                    }
                    try (var space = new FlatParameters(SPACE, new float[6]);
                            var adamw = adamW(space, AdamW.defaults(), 0);
                            var saved = SafeTensorsFile.open(file)) {
                        adamw.restore(saved);
                        assertEquals(1, adamw.steps());
                        space.setGradients(g2);
                        adamw.step(0.01, 1);
                        assertArrayEquals(expected, space.values().toFloats(), 0);
                    }
                });
    }

    @Test
    void stateOfOtherParametersIsRefused() {
        Engine.run(
                () -> {
                    Path file = folder.resolve("optimizer.safetensors");
                    var other = List.of(new Parameter("a", new long[] {3}, 0, true));
                    try (var space = new FlatParameters(other, new float[3]);
                            var adamw = adamW(space, AdamW.defaults(), 0)) {
                        SafeTensorsWriter.write(file, adamw.state());
                    }
                    try (var space = new FlatParameters(SPACE, new float[6]);
                            var adamw = adamW(space, AdamW.defaults(), 0);
                            var saved = SafeTensorsFile.open(file)) {
                        var error =
                                assertThrows(CheckpointException.class, () -> adamw.restore(saved));
                        assertTrue(error.getMessage().contains("\"values\" of shape [6]"));
                    }
                });
    }

    @Test
    void stepsLeaveNoTensorsBehind() {
        Engine.run(
                () -> {
                    try (var space = new FlatParameters(SPACE, new float[6]);
                            var adamw = adamW(space, AdamW.defaults(), 0)) {
                        long before = TensorScope.liveTensors();
                        for (int i = 0; i < 10; i++) {
                            adamw.gradientNorm();
                            adamw.step(0.1, 1);
                            adamw.zeroGradients();
                        }
                        assertEquals(before, TensorScope.liveTensors());
                    }
                });
    }
}
