package org.attune.ranks;

import org.attune.tensor.RankGpu;
import org.attune.tensor.nccl.NcclLibrary;
import org.attune.tensor.nccl.StubNccl;

/// Ranks with a simulated GPU each, between which the stand-in of NCCL carries numbers.
public final class SimulatedGpus {
    private SimulatedGpus() {}

    /// Joins them.
    ///
    /// @param host becomes the result's
    public static NcclCollective join(Collective host, RankPlace place, RankSum sum) {
        var nccl = new StubNccl();
        NcclLibrary library = nccl.library();
        byte[] mine = host.rank() == 0 ? library.uniqueId() : new byte[0];
        byte[] id = host.allGather("id", mine)[0];
        var gpu = RankGpu.joinSimulated(library, id, host.rank(), host.size(), nccl::isDone);
        return new NcclCollective(host, place, gpu, sum);
    }
}
