package org.attune.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.DeviceTraffic;
import org.attune.tensor.Engine;
import org.attune.tensor.LaterNumbers;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.SystemProperty;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;

/// Clipping where the gradients are, on the simulated GPU.
final class ClippedUpdateTest {
    private static final int SIZE = 5003;
    private static final List<Parameter> PARAMETERS =
            List.of(
                    new Parameter("matrix", new long[] {SIZE - 1000}, 0, true),
                    new Parameter("norm", new long[] {1000}, SIZE - 1000, false));

    private static float[] numbers(long seed, float size) {
        var random = RandomSource.XO_RO_SHI_RO_128_PP.create(seed);
        float[] numbers = new float[SIZE];
        for (int i = 0; i < SIZE; i++) {
            numbers[i] = size * (random.nextFloat() - 0.5f);
        }
        return numbers;
    }

    private static FlatParameters space() {
        return new FlatParameters(PARAMETERS, numbers(1, 1), Devices.simulated());
    }

    private static FlatOptimizer adamW(FlatParameters space) {
        return new FlatOptimizer(space, AdamW.defaults(), ParameterGroups.of(0.1));
    }

    /// Values and norms of three steps: with gradients above the limit, at all, and below it.
    private static float[] trained(double largest, boolean there) {
        try (var space = space();
                var optimizer = adamW(space)) {
            float[] result = new float[SIZE + 3];
            for (int step = 0; step < 3; step++) {
                space.setGradients(numbers(5 + step, (float) Math.pow(10, 1 - step)));
                double norm;
                if (there) {
                    LaterNumbers later = optimizer.stepClipped(0.01, largest).orElseThrow();
                    norm = later.read()[0];
                } else {
                    norm = optimizer.gradientNorm();
                    optimizer.step(0.01, GradientClipping.scale(norm, largest));
                }
                result[SIZE + step] = (float) norm;
            }
            System.arraycopy(space.values().toFloats(), 0, result, 0, SIZE);
            return result;
        }
    }

    @Test
    void givesTheBitsOfAFactorThatTheHostKnows() {
        Engine.run(
                () -> {
                    for (double largest : new double[] {0, 0.1, 1}) {
                        assertArrayEquals(trained(largest, false), trained(largest, true));
                    }
                });
    }

    @Test
    void aNormThatIsNotFiniteChangesNothing() {
        Engine.run(
                () -> {
                    try (var space = space();
                            var optimizer = adamW(space)) {
                        for (float wrong :
                                new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.MAX_VALUE}) {
                            float[] gradients = numbers(3, 1);
                            gradients[77] = wrong;
                            space.setGradients(gradients);
                            LaterNumbers later = optimizer.stepClipped(0.01, 1).orElseThrow();
                            assertFalse(Double.isFinite(later.read()[0]), "norm of " + wrong);
                            assertArrayEquals(numbers(1, 1), space.values().toFloats());
                        }
                    }
                });
    }

    @Test
    void nobodyWaitsForTheNormWhoWaitsForSomethingElse() {
        Engine.run(
                () -> {
                    try (var space = space();
                            var optimizer = adamW(space);
                            var _ = TensorScope.open("test")) {
                        space.setGradients(numbers(3, 1));
                        DeviceTraffic.start();
                        LaterNumbers later = optimizer.stepClipped(0.01, 1).orElseThrow();
                        assertEquals(0, DeviceTraffic.stop().waits());
                        DeviceTraffic.start();
                        space.values().narrow(0, 0, 1).toFloats();
                        assertTrue(later.read()[0] > 0);
                        assertEquals(1, DeviceTraffic.stop().waits());
                        later = optimizer.stepClipped(0.01, 1).orElseThrow();
                        DeviceTraffic.start();
                        later.read();
                        assertEquals(1, DeviceTraffic.stop().waits());
                    }
                });
    }

    @Test
    void withoutKernelsTheHostKnowsTheFactor() {
        Engine.run(
                () -> {
                    try (var _ = SystemProperty.set("attune.gpu.kernels", "off");
                            var space = space();
                            var optimizer = adamW(space)) {
                        float[] before = space.values().toFloats();
                        space.setGradients(numbers(3, 1));
                        assertEquals(Optional.empty(), optimizer.stepClipped(0.01, 1));
                        assertArrayEquals(before, space.values().toFloats());
                    }
                });
    }
}
