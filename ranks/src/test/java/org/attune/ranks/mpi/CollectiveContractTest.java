package org.attune.ranks.mpi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.testing.MpiRun;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.time.Duration;

/// Ranks of a real launcher against one process, bit for bit.
@Tag("ranks")
final class CollectiveContractTest {
    static void compare(int ranks, Class<?> program, String... arguments) {
        Process job = MpiRun.of(ranks).start(program, arguments);
        MpiRun.Result result = MpiRun.await(job, Duration.ofMinutes(5));
        System.out.print(result.output());
        assertEquals(0, result.exitCode());
        for (int some = 1; some <= ranks; some++) {
            assertTrue(result.output().contains(some + " ranks, "), some + " ranks");
        }
    }

    @Test
    void fourRanksAndPartsOfThemComputeWhatOneProcessDoes() {
        compare(4, CollectiveContract.class, "2", "mpi");
    }

    @Test
    void soDoSimulatedGpusByTheProcessorsMemory() {
        compare(2, CollectiveContract.class, "1", "staged");
    }
}
