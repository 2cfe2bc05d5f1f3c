package org.attune.ranks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.testing.MpiRun;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.time.Duration;

/// Ranks of a real launcher against one process, bit for bit.
@Tag("ranks")
final class CollectiveContractTest {
    private static void compare(int ranks, String carrier, int repetitions) {
        Process job = MpiRun.of(ranks).start(CollectiveContract.class, "" + repetitions, carrier);
        MpiRun.Result result = MpiRun.await(job, Duration.ofMinutes(5));
        System.out.print(result.output());
        assertEquals(0, result.exitCode());
        for (int some = 1; some <= ranks; some++) {
            assertTrue(result.output().contains(some + " ranks, "), some + " ranks");
        }
    }

    @Test
    void fourRanksAndPartsOfThemComputeWhatOneProcessDoes() {
        compare(4, "mpi", 2);
    }

    @Test
    void soDoSimulatedGpusBetweenWhichNcclCarries() {
        compare(4, "nccl", 1);
    }

    @Test
    void soDoSimulatedGpusByTheProcessorsMemory() {
        compare(2, "staged", 1);
    }
}
