package org.attune.ranks.mpi;

import org.attune.ranks.Collective;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// Ranks with GPUs whose numbers go through the processor's memory, where others carry them: slow,
/// and right wherever MPI is.
final class StagedCollective extends HostedCollective {
    /// Numbers that are in the processor's memory at once, of all ranks together.
    private static final long MOVED = 1 << 24;

    /// @param host owned; carries the processor's memory
    public StagedCollective(Collective host) {
        super(host);
    }

    private static Tensor row(Tensor dense) {
        return dense.dim() == 1 ? dense : dense.reshape(dense.size());
    }

    private static Tensor empty(Tensor like, long count) {
        return Tensor.empty(Device.cpu(), like.dtype(), count);
    }

    @Override
    void allReduceThere(String what, Tensor sum) {
        for (long done = 0; done < sum.size(); done += MOVED) {
            long now = Math.min(MOVED, sum.size() - done);
            try (var _ = TensorScope.open("through the host")) {
                Tensor there = row(sum).narrow(0, done, now);
                Tensor here = empty(sum, now).copyInPlace(there);
                host.allReduce(what, here);
                there.copyInPlace(here);
            }
        }
    }

    @Override
    void reduceScatterThere(String what, Tensor whole, int[] counts, Tensor part) {
        try (var _ = TensorScope.open("through the host")) {
            Tensor here = empty(whole, whole.size()).copyInPlace(row(whole));
            Tensor sum = empty(part, part.size());
            host.reduceScatter(what, here, counts, sum);
            row(part).copyInPlace(sum);
        }
    }

    @Override
    void allGatherThere(String what, Tensor part, Tensor whole) {
        long round = Math.max(1, MOVED / size());
        for (long done = 0; done < part.size(); done += round) {
            long now = Math.min(round, part.size() - done);
            try (var _ = TensorScope.open("through the host")) {
                Tensor here = empty(whole, now * size());
                Tensor mine = here.narrow(0, rank() * now, now);
                mine.copyInPlace(row(part).narrow(0, done, now));
                host.allGather(what, mine, here);
                for (int rank = 0; rank < size(); rank++) {
                    row(whole)
                            .narrow(0, rank * part.size() + done, now)
                            .copyInPlace(here.narrow(0, rank * now, now));
                }
            }
        }
    }

    @Override
    void broadcastThere(String what, Tensor values, int from) {
        for (long done = 0; done < values.size(); done += MOVED) {
            long now = Math.min(MOVED, values.size() - done);
            try (var _ = TensorScope.open("through the host")) {
                Tensor there = row(values).narrow(0, done, now);
                Tensor here = empty(values, now);
                if (rank() == from) {
                    here.copyInPlace(there);
                }
                host.broadcast(what, here, from);
                if (rank() != from) {
                    there.copyInPlace(here);
                }
            }
        }
    }
}
