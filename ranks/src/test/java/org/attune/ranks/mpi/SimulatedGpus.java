package org.attune.ranks.mpi;

import org.attune.ranks.Collective;
import org.attune.ranks.RankSum;
import org.attune.tensor.GpuRanks;
import org.attune.tensor.RankGpu;
import org.attune.tensor.SimulatedGpu;
import org.attune.tensor.nccl.StubNccl;
import org.attune.testing.Devices;

/// Ranks with a simulated GPU each, between which the stand-in of NCCL carries numbers.
public final class SimulatedGpus {
    private SimulatedGpus() {}

    /// Joins them.
    ///
    /// @param host becomes the result's
    public static NcclCollective join(Collective host, RankPlace place, RankSum sum) {
        var nccl = new StubNccl();
        GpuRanks.Library library = nccl.library();
        byte[] mine = host.rank() == 0 ? library.uniqueId() : new byte[0];
        byte[] id = host.allGather("id", mine)[0];
        SimulatedGpu.awaits(nccl::isDone);
        var gpu = RankGpu.join(library, id, host.rank(), host.size(), Devices.simulated());
        return new NcclCollective(host, place, gpu, sum);
    }
}
