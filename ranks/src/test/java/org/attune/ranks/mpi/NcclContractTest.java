package org.attune.ranks.mpi;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Ranks with simulated GPUs against one process, bit for bit.
@Tag("ranks")
final class NcclContractTest {
    @Test
    void gpusBetweenWhichNcclCarriesComputeWhatOneProcessDoes() {
        CollectiveContractTest.compare(4, NcclContract.class, "1");
    }
}
