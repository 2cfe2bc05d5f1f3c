package org.attune.ranks;

import org.attune.tensor.Tensor;

/// A run of one process: nothing is sent, and no library is looked for.
public final class SingleProcess implements Collective {
    @Override
    public int rank() {
        return 0;
    }

    @Override
    public int size() {
        return 1;
    }

    @Override
    public int local() {
        return 0;
    }

    @Override
    public String where(int rank) {
        TensorParts.requireRank(rank, 1);
        return "this process";
    }

    @Override
    public SingleProcess part(int number) {
        return new SingleProcess();
    }

    @Override
    public void allReduce(String what, Tensor sum) {
        TensorParts.requireSummable(what, sum);
    }

    @Override
    public void reduceScatter(String what, Tensor whole, int[] counts, Tensor part) {
        TensorParts.requireParts(what, whole, counts, part, 0, 1);
        copy(whole, part);
    }

    @Override
    public void allGather(String what, Tensor part, Tensor whole) {
        TensorParts.requireParts(what, whole, part, 1);
        copy(part, whole);
    }

    private static void copy(Tensor from, Tensor to) {
        to.copyInPlace(from.reshape(to.shape()));
    }

    @Override
    public void broadcast(String what, Tensor values, int from) {
        TensorParts.requireRank(from, 1);
        TensorParts.requireDense(what, values);
    }

    @Override
    public double[][] allGather(String what, double... mine) {
        return new double[][] {mine.clone()};
    }

    @Override
    public byte[][] allGather(String what, byte[] mine) {
        return new byte[][] {mine.clone()};
    }

    @Override
    public void barrier(String what) {}

    @Override
    public RankTimes times() {
        return RankTimes.NONE;
    }

    @Override
    public void close() {}
}
