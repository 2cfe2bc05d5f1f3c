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
import org.mockito.Mockito;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

final class OneUpdateTest {
    private static final float[] START = {1, 2, 3};

    private static TrainingLoop.Work work(FlatParameters space, float[]... gradients) {
        var work = Mockito.mock(TrainingLoop.Work.class);
        Mockito.when(work.step(Mockito.anyInt()))
                .thenAnswer(
                        call -> {
                            space.setGradients(gradients[call.<Integer>getArgument(0)]);
                            return new StepReport(1, List.of(), 3, Map.of(), Map.of());
                        });
        Mockito.when(work.origins(Mockito.anyInt()))
                .thenAnswer(call -> List.of("rows of step " + call.getArgument(0)));
        return work;
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

    private static OneUpdate clipped(FlatOptimizer optimizer) {
        return new OneUpdate(optimizer, new Clipping(1, NormType.L2), new PhaseClock());
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
                        OneUpdate update = clipped(optimizer);
                        var work = work(space, new float[] {3, 0, 4}, new float[] {0, 0, 2});
                        update.run(0, 0.1, work);
                        update.run(1, 0.1, work);
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
                            OneUpdate update = clipped(optimizer);
                            float[] good = {1, 1, 1};
                            var work = work(space, new float[] {Float.NaN, 0, 1}, good);
                            var failure =
                                    assertThrows(
                                            TrainingDivergedException.class,
                                            () -> {
                                                update.run(0, 0.1, work);
                                                if (shown) {
                                                    update.showResult();
                                                } else {
                                                    update.run(1, 0.1, work);
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
                                        optimizer, new Clipping(1, NormType.INF), new PhaseClock());
                        update.run(0, 0.1, work(space, new float[] {3, 0, 4}));
                        assertEquals(5, update.gradientNorm(), 1e-6);
                    }
                });
    }
}
