package org.attune.ranks.mpi;

import org.attune.ranks.Collective;
import org.attune.ranks.RankTimes;
import org.attune.ranks.TensorParts;
import org.attune.tensor.Tensor;

/// Ranks with GPUs: others carry what is in the processor's memory, and all data of the host.
abstract sealed class HostedCollective implements Collective
        permits NcclCollective, StagedCollective {
    final Collective host;

    /// @param host owned
    HostedCollective(Collective host) {
        this.host = host;
    }

    @Override
    public final int rank() {
        return host.rank();
    }

    @Override
    public final int size() {
        return host.size();
    }

    @Override
    public final int local() {
        return host.local();
    }

    /// Numbers of a part go through the processor's memory.
    @Override
    public final Collective part(int number) {
        return new StagedCollective(host.part(number));
    }

    @Override
    public final boolean writes() {
        return host.writes();
    }

    @Override
    public final String where(int rank) {
        return host.where(rank);
    }

    @Override
    public final void enter(int step) {
        host.enter(step);
    }

    @Override
    public final void allReduce(String what, Tensor sum) {
        TensorParts.requireSummable(what, sum);
        if (sum.device().isGpu()) {
            allReduceThere(what, sum);
        } else {
            host.allReduce(what, sum);
        }
    }

    @Override
    public final void reduceScatter(String what, Tensor whole, int[] counts, Tensor part) {
        TensorParts.requireParts(what, whole, counts, part, rank(), size());
        if (whole.device().isGpu()) {
            reduceScatterThere(what, whole, counts, part);
        } else {
            host.reduceScatter(what, whole, counts, part);
        }
    }

    @Override
    public final void allGather(String what, Tensor part, Tensor whole) {
        TensorParts.requireParts(what, whole, part, size());
        if (whole.device().isGpu()) {
            allGatherThere(what, part, whole);
        } else {
            host.allGather(what, part, whole);
        }
    }

    @Override
    public final void broadcast(String what, Tensor values, int from) {
        TensorParts.requireRank(from, size());
        TensorParts.requireDense(what, values);
        if (values.device().isGpu()) {
            broadcastThere(what, values, from);
        } else {
            host.broadcast(what, values, from);
        }
    }

    /// Adds up checked numbers on a GPU, as [Collective#allReduce] does; so do the following.
    abstract void allReduceThere(String what, Tensor sum);

    abstract void reduceScatterThere(String what, Tensor whole, int[] counts, Tensor part);

    abstract void allGatherThere(String what, Tensor part, Tensor whole);

    abstract void broadcastThere(String what, Tensor values, int from);

    @Override
    public final double[][] allGather(String what, double... mine) {
        return host.allGather(what, mine);
    }

    @Override
    public final byte[][] allGather(String what, byte[] mine) {
        return host.allGather(what, mine);
    }

    @Override
    public final void barrier(String what) {
        host.barrier(what);
    }

    @Override
    public RankTimes times() {
        return host.times();
    }

    @Override
    public void close() {
        host.close();
    }
}
