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
    @Test
    void fourRanksAndPartsOfThemComputeWhatOneProcessDoes() {
        Process job = MpiRun.of(4).start(CollectiveContract.class, "2");
        MpiRun.Result result = MpiRun.await(job, Duration.ofMinutes(5));
        System.out.print(result.output());
        assertEquals(0, result.exitCode());
        for (int ranks = 1; ranks <= 4; ranks++) {
            assertTrue(result.output().contains(ranks + " ranks, "), ranks + " ranks");
        }
    }
}
