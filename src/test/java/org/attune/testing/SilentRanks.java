package org.attune.testing;

import org.attune.ranks.Collective;
import org.attune.ranks.RankTimes;
import org.attune.tensor.Tensor;

import java.util.Arrays;

/// A rank whose neighbours send zeros, which counts what a ring or an exchange would send.
public final class SilentRanks implements Collective {
    private final int rank;
    private final int size;
    private long sent;

    public SilentRanks(int rank, int size) {
        this.rank = rank;
        this.size = size;
    }

    /// Bytes that this rank has sent.
    public long sent() {
        return sent;
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int local() {
        return rank;
    }

    @Override
    public String where(int one) {
        return "rank " + one;
    }

    @Override
    public SilentRanks part(int number) {
        throw new UnsupportedOperationException("part " + number);
    }

    @Override
    public void allReduce(String what, Tensor sum) {
        sent += 2 * sum.size() * sum.dtype().bytes() * (size - 1) / size;
    }

    @Override
    public void reduceScatter(String what, Tensor whole, int[] counts, Tensor part) {
        int start = Arrays.stream(counts).limit(rank).sum();
        part.copyInPlace(whole.narrow(0, start, counts[rank]));
        sent += (whole.size() - part.size()) * Float.BYTES;
    }

    @Override
    public void allGather(String what, Tensor part, Tensor whole) {
        whole.zeroInPlace();
        whole.narrow(0, rank * part.size(), part.size()).copyInPlace(part);
        sent += part.size() * part.dtype().bytes() * (size - 1);
    }

    @Override
    public void broadcast(String what, Tensor values, int from) {
        throw new UnsupportedOperationException(what);
    }

    @Override
    public double[][] allGather(String what, double... mine) {
        throw new UnsupportedOperationException(what);
    }

    @Override
    public byte[][] allGather(String what, byte[] mine) {
        throw new UnsupportedOperationException(what);
    }

    @Override
    public void barrier(String what) {}

    @Override
    public RankTimes times() {
        return new RankTimes(0, 0, sent);
    }

    @Override
    public void close() {}
}
