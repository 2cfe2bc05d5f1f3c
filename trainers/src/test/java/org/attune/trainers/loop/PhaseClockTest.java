package org.attune.trainers.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.tensor.Device;
import org.attune.tensor.DeviceTraffic;
import org.attune.tensor.Engine;
import org.attune.testing.Devices;
import org.junit.jupiter.api.Test;

import java.util.Map;

/// Times of phases on a GPU, which does later what it is asked for.
class PhaseClockTest {
    private long now;
    private final PhaseClock clock = new PhaseClock(PhaseClock.Watch.NONE, () -> now);

    private void spend(String phase, double seconds) {
        try (var _ = clock.enter(phase)) {
            now += Math.round(seconds * 1e9);
        }
    }

    /// A step whose backward pass seems to take no time unless somebody waits for it.
    private void step(boolean exact) {
        try (var _ = clock.enter("train")) {
            clock.step(exact);
            spend("data", 1);
            spend("forward", 2);
            spend("backward", exact ? 4 : 0);
            spend("optimizer", exact ? 2 : 6);
        }
    }

    private static long waits(Runnable work) {
        return Engine.call(
                () -> {
                    DeviceTraffic.start();
                    work.run();
                    return DeviceTraffic.stop().waits();
                });
    }

    @Test
    void onlyExactStepsWait() {
        clock.follow(Devices.simulated());
        assertEquals(1, waits(() -> step(false)), "before the first step everything is exact");
        assertEquals(0, waits(() -> step(false)));
        // Where the step begins, and at the beginning and end of each of four phases, and its end.
        assertEquals(10, waits(() -> step(true)));
        assertEquals(1, waits(() -> step(false)));
        assertEquals(1, waits(() -> spend("rollout", 1)));
        assertEquals(2, waits(() -> spend("evaluate", 1)), "before and after");
    }

    @Test
    void timeOfOtherStepsIsSplitAsThatOfExactOnes() {
        clock.follow(Devices.simulated());
        spend("reference", 5); // before the steps
        for (int i = 0; i < 3; i++) {
            step(false);
        }
        assertEquals(18, clock.seconds("optimizer"), "nobody knows better yet");
        step(true);
        Map<String, Double> seconds = clock.seconds();
        assertEquals(4, seconds.get("data"), 1e-9);
        assertEquals(5, seconds.get("reference"), 1e-9);
        assertEquals(2 + 24 * 2 / 8.0, seconds.get("forward"), 1e-9);
        assertEquals(4 + 24 * 4 / 8.0, seconds.get("backward"), 1e-9);
        assertEquals(2 + 24 * 2 / 8.0, seconds.get("optimizer"), 1e-9);
        assertEquals(36, clock.wholeSeconds("train"), 1e-9);
    }

    @Test
    void aProcessorIsNeverBehind() {
        clock.follow(Device.cpu());
        step(false);
        step(true);
        assertEquals(8, clock.seconds("optimizer"), 1e-9);
        assertEquals(4, clock.seconds("backward"), 1e-9);
    }
}
