package org.attune.trainers.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

final class StillStepsTest {
    private final StillSteps still = new StillSteps();
    private final List<String> told = new ArrayList<>();

    private void steps(int count, double loss, double norm, List<Map<String, Double>> metrics) {
        for (int i = 0; i < count; i++) {
            told.addAll(still.made(new StepReport(loss, metrics, 1), false, () -> norm));
        }
    }

    private static List<Map<String, Double>> equal(double share) {
        return List.of(Map.of(MetricKeys.ZERO_STD, share), Map.of("other", 3.0));
    }

    @Test
    void tenStepsOfEqualRewardsAreToldOnce() {
        steps(9, 0, 0, equal(1));
        assertEquals(List.of(), told);
        steps(30, 0, 0, equal(1));
        assertEquals(1, told.size(), told::toString);
        assertTrue(told.getFirst().contains("same reward"), told::toString);
    }

    @Test
    void oneGroupThatDiffersIsEnough() {
        steps(9, 0, 0.1, equal(1));
        steps(1, 0.1, 0.1, equal(0.75));
        steps(9, 0, 0.1, equal(1));
        assertEquals(List.of(), told);
    }

    /// A round may last for several steps, whose metrics come with the first.
    @Test
    void laterStepsOfARoundCountAsTheFirst() {
        for (int round = 0; round < 5; round++) {
            steps(1, 0.2, 0.1, equal(1));
            steps(1, 0.2, 0.1, List.of(Map.of("other", 1.0)));
        }
        assertEquals(1, told.size());
    }

    @Test
    void tenStepsWithoutAGradientAreTold() {
        steps(10, 0, 0, List.of());
        assertEquals(1, told.size());
        assertTrue(told.getFirst().contains("no gradient"), told::toString);
        assertTrue(still.isWithoutGradient());
        steps(1, 0, 0.5, List.of());
        assertFalse(still.isWithoutGradient());
    }

    /// On a GPU one waits for the norm.
    @Test
    void theNormIsAskedForOnlyWhereItMayBeZero() {
        steps(20, 0.7, Double.NaN, List.of());
        still.made(
                new StepReport(0.7, List.of(), 1),
                false,
                () -> {
                    throw new AssertionError("asked");
                });
        assertFalse(still.isWithoutGradient());
        assertEquals(List.of(), still.made(new StepReport(0.7, List.of(), 1), true, () -> 0));
        assertTrue(still.isWithoutGradient());
    }
}
