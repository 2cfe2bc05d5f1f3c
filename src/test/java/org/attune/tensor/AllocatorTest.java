package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Freed memory stays with the process: large temporaries cost fresh pages once.
class AllocatorTest {
    private static final int FEW = 1000; // one temporary of 32 MiB has 8192 pages

    @Test
    void theEngineThreadIsInTheMainArena() {
        assertTrue(Engine.call(Allocator::isInMainArena));
    }

    @ParameterizedTest
    @ValueSource(ints = {32, 128, 512})
    void largeTemporariesCostNoFreshPagesAfterTheFirstRound(int mebibytes) {
        PageFaults.Rounds rounds = PageFaults.measure(mebibytes);
        System.out.println("page faults, " + PageFaults.line(mebibytes, rounds));
        assertTrue(rounds.medianAfterFirst() < FEW, () -> PageFaults.line(mebibytes, rounds));
    }
}
