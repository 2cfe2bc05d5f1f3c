package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.concurrent.ConcurrentHashMap;

/// Freed memory stays with the process: large temporaries cost fresh pages once.
class AllocatorTest {
    private static final int FEW = 1000; // one temporary of 32 MiB has 8192 pages

    @Test
    void theEngineThreadIsInTheMainArena() {
        assertTrue(Engine.call(Allocator::isInMainArena));
    }

    /// They allocate at each small product, and would wait for each other and for the engine.
    @Test
    void threadsThatComputeHaveOtherArenas() {
        Engine.run(
                () -> {
                    var inMain = new ConcurrentHashMap<Thread, Boolean>();
                    OpenMpThreads.find()
                            .orElseThrow()
                            .start(
                                    2,
                                    () ->
                                            inMain.put(
                                                    Thread.currentThread(),
                                                    Allocator.isInMainArena()));
                    assertEquals(Math.min(2, Engine.threads()), inMain.size());
                    inMain.forEach(
                            (thread, main) ->
                                    assertEquals(
                                            thread == Thread.currentThread(),
                                            main,
                                            thread::toString));
                });
    }

    @Tag("thorough")
    @ParameterizedTest
    @ValueSource(ints = {32, 128, 512})
    void largeTemporariesCostNoFreshPagesAfterTheFirstRound(int mebibytes) {
        PageFaults.Rounds rounds = PageFaults.measure(mebibytes);
        System.out.println("page faults, " + PageFaults.line(mebibytes, rounds));
        assertTrue(rounds.medianAfterFirst() < FEW, () -> PageFaults.line(mebibytes, rounds));
    }
}
