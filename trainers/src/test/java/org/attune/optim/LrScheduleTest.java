package org.attune.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.optim.LrSchedule.Span;
import org.junit.jupiter.api.Test;

import java.util.Map;

class LrScheduleTest {
    @Test
    void linearWarmsUpFromZeroAndEndsAtZero() {
        LrSchedule schedule = named("linear", Map.of(), 4, 12);
        assertEquals(0, schedule.factor(0));
        assertEquals(0.5, schedule.factor(2));
        assertEquals(1, schedule.factor(4));
        assertEquals(0.5, schedule.factor(8));
        assertEquals(0, schedule.factor(12));
        assertEquals(0, schedule.factor(99));
    }

    @Test
    void cosineIsHalfwayInTheMiddle() {
        LrSchedule schedule = named("cosine", Map.of(), 0, 10);
        assertEquals(1, schedule.factor(0));
        assertEquals(0.5, schedule.factor(5), 1e-15);
        assertEquals(0, schedule.factor(10), 1e-15);
    }

    @Test
    void restartsBeginEachCycleAtOne() {
        LrSchedule schedule = named("cosine_with_restarts", Map.of("num_cycles", 2), 0, 8);
        assertEquals(1, schedule.factor(4), 1e-15);
        assertEquals(0, schedule.factor(8));
    }

    @Test
    void constantIgnoresWarmup() {
        assertEquals(1, named("constant", Map.of(), 5, 10).factor(0));
        assertEquals(0.2, named("constant_with_warmup", Map.of(), 5, 10).factor(1));
    }

    @Test
    void absoluteSettingsAreSharesOfTheRate() {
        // rate 0.01 and lr_end 0.001: a tenth is left at the end and beyond
        LrSchedule schedule = named("polynomial", Map.of("lr_end", 0.001), 0, 10);
        assertEquals(0.1, schedule.factor(11), 1e-15);
        assertEquals(
                0.1, named("cosine_with_min_lr", Map.of("min_lr", 0.001), 0, 10).factor(10), 1e-15);
    }

    @Test
    void plateauLiesBetweenWarmupAndDecay() {
        LrSchedule schedule =
                named(
                        "warmup_stable_decay",
                        Map.of("num_decay_steps", 4, "min_lr_ratio", 0.2, "decay_type", "linear"),
                        2,
                        10);
        assertEquals(0.2, schedule.factor(0), 1e-15);
        assertEquals(1, schedule.factor(2));
        assertEquals(1, schedule.factor(5));
        assertEquals(0.6, schedule.factor(8), 1e-15);
        assertEquals(0.2, schedule.factor(10), 1e-15);
    }

    @Test
    void unknownTypeAndSettingAreRefusedByName() {
        var type = assertThrows(ConfigException.class, () -> named("cosin", Map.of(), 0, 1));
        assertTrue(
                type.getMessage().contains("\"cosin\"")
                        && type.getMessage().contains("cosine_with_restarts"));
        var key =
                assertThrows(
                        ConfigException.class, () -> named("linear", Map.of("cycles", 2), 0, 1));
        assertEquals(
                "lr_scheduler_kwargs: {cycles=2}; accepted for linear: none, leave the key out",
                key.getMessage());
        assertThrows(ConfigException.class, () -> named("cosine_with_min_lr", Map.of(), 0, 1));
        assertThrows(
                ConfigException.class, () -> named("cosine", Map.of("num_cycles", "two"), 0, 1));
    }

    private static LrSchedule named(
            String type, Map<String, Object> settings, int warmup, int steps) {
        return new LrScheduleOptions(type, settings, 0.01, new Span(warmup, steps)).schedule();
    }

    /// As transformers: a run that is all warm-up ends at 0, and a decay that is longer than what
    /// is left of the run begins further on.
    @Test
    void warmUpMayTakeTheWholeRun() {
        var span = new LrSchedule.Span(10, 10);
        assertEquals(0, new LrSchedule.Linear(span).factor(10));
        var options =
                new LrScheduleOptions(
                        "warmup_stable_decay",
                        Map.of("num_decay_steps", 4, "decay_type", "linear"),
                        1,
                        new LrSchedule.Span(8, 10));
        assertEquals(0.5, options.schedule().factor(8), 1e-12);
    }
}
