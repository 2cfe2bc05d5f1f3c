package org.attune.trainers.loop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.TrainingDivergedException;
import org.attune.optim.AdamW;
import org.attune.optim.FlatOptimizer;
import org.attune.optim.FlatParameters;
import org.attune.optim.NormType;
import org.attune.optim.ParameterGroups;
import org.attune.policy.ParameterSpace.Parameter;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.List;
import java.util.function.Consumer;

final class OneUpdateTest {
    private static final float[] START = {1, 2, 3};

    /// A step with these gradients.
    private static void step(
            OneUpdate update, int number, FlatParameters space, float... gradients) {
        var step = new WeightUpdates.Step(number, 0.1, () -> List.of("rows of step " + number));
        update.begin(step);
        space.setGradients(gradients);
        update.finish(step);
    }

    private static void on(Device device, Consumer<FlatParameters> body) {
        Engine.run(
                () -> {
                    var matrix = new Parameter("matrix", new long[] {3}, 0, true);
                    try (var space = new FlatParameters(List.of(matrix), START, device)) {
                        body.accept(space);
                    }
                });
    }

    private static OneUpdate clipped(FlatOptimizer optimizer, FlatParameters space) {
        return new OneUpdate(optimizer, space, new Clipping(1, NormType.L2), new PhaseClock());
    }

    private static FlatOptimizer adamW(FlatParameters space) {
        return new FlatOptimizer(space, AdamW.defaults(), ParameterGroups.of(0));
    }

    @ParameterizedTest
    @MethodSource("org.attune.testing.Devices#all")
    void everyStepsNormIsThereWhoeverAsks(Device device) {
        on(
                device,
                space -> {
                    try (var optimizer = adamW(space)) {
                        OneUpdate update = clipped(optimizer, space);
                        step(update, 0, space, 3, 0, 4);
                        step(update, 1, space, 0, 0, 2);
                        assertEquals(2, update.gradientNorm(), 1e-6);
                        assertEquals(2, update.gradientNorm(), 1e-6, "asked again");
                        assertTrue(space.values().toFloats()[0] < 1);
                    }
                });
    }

    /// On a GPU it is found out by the next step, or by who looks at the weights.
    @ParameterizedTest
    @MethodSource("org.attune.testing.Devices#all")
    void aNormThatIsNotFiniteEndsTheRunWithTheWeightsOfTheStepBefore(Device device) {
        for (boolean shown : new boolean[] {true, false}) {
            on(
                    device,
                    space -> {
                        try (var optimizer = adamW(space)) {
                            OneUpdate update = clipped(optimizer, space);
                            var failure =
                                    assertThrows(
                                            TrainingDivergedException.class,
                                            () -> {
                                                step(update, 0, space, Float.NaN, 0, 1);
                                                if (shown) {
                                                    update.showResult();
                                                } else {
                                                    step(update, 1, space, 1, 1, 1);
                                                }
                                            });
                            assertEquals(
                                    "the gradient's norm is NaN on rows of step 0; weights are"
                                            + " those of the step before. Check the rows or"
                                            + " learning_rate",
                                    failure.getMessage());
                            assertArrayEquals(START, space.values().toFloats());
                        }
                    });
        }
    }

    @ParameterizedTest
    @MethodSource("org.attune.testing.Devices#all")
    void otherNormsClipAsBefore(Device device) {
        on(
                device,
                space -> {
                    try (var optimizer = adamW(space)) {
                        var update =
                                new OneUpdate(
                                        optimizer,
                                        space,
                                        new Clipping(1, NormType.INF),
                                        new PhaseClock());
                        step(update, 0, space, 3, 0, 4);
                        assertEquals(5, update.gradientNorm(), 1e-6);
                    }
                });
    }
}
